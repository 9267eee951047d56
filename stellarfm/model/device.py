"""Where the model runs, and whether half precision pays there."""

from functools import cache

import torch

from stellarfm.errors import StellarError


def choose_device(name: str) -> torch.device:
    """Return a device by name.

    Parameters
    ----------
    name
        ``auto`` (a GPU if there is one), ``cpu``, ``cuda`` or ``cuda:0``.

    Raises
    ------
    StellarError
        If there is no such device, or no such name.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if name != "cpu" and not name.startswith("cuda"):
        raise StellarError(f"the device must be auto, cpu or cuda, not {name!r}")
    if name.startswith("cuda") and not torch.cuda.is_available():
        raise StellarError("there is no CUDA device here; choose the device cpu or auto")
    return torch.device(name)


@cache
def bfloat16_pays(device_type: str) -> bool:
    """Whether matrix products in bfloat16 are faster than in float32: on GPUs, and on CPUs with instructions for it.

    Parameters
    ----------
    device_type
        ``cpu`` or ``cuda``.
    """
    if device_type != "cpu":
        return True
    # without instructions of its own a CPU emulates bfloat16, which is slower than float32; a torch that cannot say what the
    # CPU has is taken for that case
    capabilities: dict[str, object] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(bool(capabilities.get(name)) for name in ("amx_tile", "amx_bf16", "avx512_bf16", "bf16"))
