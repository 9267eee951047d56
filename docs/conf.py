"""Settings of Sphinx: MyST, a notebook that is run, and parts that are generated from the code (`_ext`)."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

project = "stellarfm"
author = "The stellarfm developers"
copyright = author
version = release = installed_version("stellarfm")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "myst_nb",
    "sphinx_copybutton",
    "sphinx_design",
    "docstrings",
    "generated_pages",
    "quiet_kernel",
]
exclude_patterns = ["_build", "_generated", "_ext"]
default_role = "literal"
smartquotes = False  # they make a dash of the hyphens of --option

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist"]
myst_heading_anchors = 3

# the tutorial is run at each build, in a folder of its own
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_output_stderr = "remove"

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False

html_theme = "furo"
html_title = f"stellarfm {version}"
html_static_path = ["_static"]
html_css_files = ["stellarfm.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
pygments_style = "friendly"
pygments_dark_style = "native"
