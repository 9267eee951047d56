"""Where the SQL, the expectation suites and the vocabularies lie: in the wheel, or in a checkout beside the package."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def resource_folder(name: str) -> Path:
    """Return the folder `name` (``sql``, ``expectations``, ``vocabularies``).

    Raises
    ------
    FileNotFoundError
        If neither the installed package nor the checkout has it: a broken build, never a user's mistake.
    """
    for folder in (_PACKAGE / name, _PACKAGE.parent / name):
        if folder.is_dir():
            return folder
    raise FileNotFoundError(f"the folder {name!r} is missing from this installation of stellarfm")


def read_sql(name: str) -> str:
    """Return the text of one relation, e.g. ``read_sql("staging/gaia_source")``."""
    return (resource_folder("sql") / f"{name}.sql").read_text(encoding="utf-8")


def folder_texts(folder: Path, pattern: str) -> dict[str, str]:
    """Return the text of the files of a folder by their relative names, for content keys."""
    return {str(p.relative_to(folder)): p.read_text(encoding="utf-8") for p in sorted(folder.rglob(pattern))}


def sql_texts() -> dict[str, str]:
    """Return the text of every file of ``sql/``, the macros included."""
    return folder_texts(resource_folder("sql"), "*.sql")


def read_template(name: str) -> str:
    """Return the text of a page's template."""
    return (resource_folder("templates") / name).read_text(encoding="utf-8")
