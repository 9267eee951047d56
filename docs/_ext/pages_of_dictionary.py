"""The data dictionary, from the tags of ``sql/catalog/*.sql``; the tokens of the vocabularies."""

import md_text as md

from stellarfm.catalog.dictionary import read_dictionary
from stellarfm.catalog.release import TABLES
from stellarfm.resources import read_sql, resource_folder
from stellarfm.vocabulary import load_vocabulary


def dictionary_page() -> str:
    """Return every column of every table of a release."""
    return "\n".join(_table(name) for name in TABLES)


def _table(name: str) -> str:
    rows = [
        (md.code(column.name), column.description, column.unit, column.null_meaning, _ucd(column.ucd))
        for column in read_dictionary(name)
    ]
    heading = f"{md.anchor('table', name)}\n## Table `{name}`\n\n{_comment(name)}\n\nFrom `sql/catalog/{name}.sql`.\n"
    return f"{heading}\n{md.table(['column', 'what it is', 'unit', 'NULL means', 'UCD'], rows)}"


def _ucd(text: str) -> str:
    """Return a UCD word by word, so that a narrow column can break it."""
    return " ".join(md.code(word) for word in text.replace(";", "; ").split())


def _comment(name: str) -> str:
    """Return the first sentences of the comment that heads a publishing query."""
    lines = [
        line.removeprefix("--").strip() for line in read_sql(f"catalog/{name}").splitlines() if line.startswith("--")
    ]
    said = [line for line in lines if not line.startswith(("The tags", "Given:"))]
    return " ".join(said).replace("*", "\\*")


def vocabularies_page() -> str:
    """Return the tokens of every vocabulary that comes with the package."""
    names = sorted(path.stem for path in resource_folder("vocabularies").glob("*.toml"))
    return "\n".join(_vocabulary(name) for name in names)


def _vocabulary(name: str) -> str:
    vocabulary = load_vocabulary(name)
    seen: dict[str, list[str]] = {}
    for token in vocabulary.tokens:  # the coefficients of a spectrum are one row
        family = token.name if token.element is None else token.name.rstrip("0123456789")
        seen.setdefault(family, []).append(token.name)
    rows = []
    for members in seen.values():
        token = vocabulary.tokens[vocabulary.index(members[0])]
        called = f"`{members[0]}` … `{members[-1]}`" if len(members) > 1 else md.code(members[0])
        asked = "" if token.requestable else "input only"
        rows.append((called, token.description, token.unit, token.kind, asked, "yes" if token.optional else ""))
    tasks = "\n".join(f"- {task.name}" for task in vocabulary.tasks)
    origin = f"{len(vocabulary)} tokens, from `stellarfm/vocabularies/{name}.toml`."
    origin = f"{len(vocabulary)} tokens, from `stellarfm/vocabularies/{name}.toml`."
    head = f"{md.anchor('vocabulary', name)}\n## `{name}`\n\n{origin}\n"
    table = md.table(["token", "what it is", "unit", "kind", "", "may be absent"], rows)
    return f"{head}\n{table}\nWhat its report asks of held-out stars; the gate looks at the first:\n\n{tasks}\n"
