"""A profile of IPython in the build folder, for the kernel that runs the tutorial: quiet, and nothing of whoever builds."""

import os
from pathlib import Path
from typing import Any


def setup(app: Any) -> dict[str, bool]:
    """Point IPython to the profile, before any notebook is run."""
    app.connect("builder-inited", _write_profile)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


def _write_profile(app: Any) -> None:
    folder = Path(app.outdir).parent / "ipython"
    profile = folder / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    # ipykernel 7.4 warns that it listens on loopback without encryption
    (profile / "ipython_kernel_config.py").write_text("c.IPKernelApp.log_level = 40\n", encoding="utf-8")
    os.environ["IPYTHONDIR"] = str(folder)
