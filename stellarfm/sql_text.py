"""Names and texts as SQL writes them: the one place that quotes them."""


def identifier(name: str) -> str:
    """Return the name of a table or column, quoted."""
    return '"' + name.replace('"', '""') + '"'


def literal(value: object) -> str:
    """Return a text as a SQL string; ATTACH, COPY and COMMENT ON take no parameters."""
    return "'" + str(value).replace("'", "''") + "'"
