"""Make pg_sphere of Debian 12 load in PostgreSQL 15.20 and later.

A security update made PostgreSQL strict: an operator may no longer name a partner (COMMUTATOR or NEGATOR) that another
operator has already. pg_sphere 1.1.1 has a few of those. Partners are hints for the planner only, so every claim that is
not mutual is dropped.

usage: fix_pgsphere.py [SCRIPT]    (keeps SCRIPT.orig; the second time there is nothing to do)
"""

import re
import sys
from collections.abc import Mapping
from pathlib import Path

SCRIPT = "/usr/share/postgresql/15/extension/pg_sphere--1.2.0.sql"

Operator = tuple[str, str | None, str | None]
"""Name and the types on its left and right."""

_OPERATOR = re.compile(r"CREATE\s+OPERATOR\s+(\S+)\s*\((.*?)\)\s*;", re.S | re.I)
_DANGLING_COMMA = re.compile(r",(\s*\)\s*;)$")


def without_one_sided_partners(script: str) -> str:
    """Return the script of an extension in which every pair of operators agrees that it is one."""
    claims = {_operator(found): _claims(found.group(2)) for found in _OPERATOR.finditer(script)}
    return _OPERATOR.sub(lambda found: _keep_mutual(found, claims), script)


def _keep_mutual(found: re.Match[str], claims: Mapping[Operator, Mapping[str, str | None]]) -> str:
    name, left, right = _operator(found)
    statement = found.group(0)
    for kind, sides in (("COMMUTATOR", (right, left)), ("NEGATOR", (left, right))):
        partner = claims[name, left, right][kind]
        if partner is not None and claims.get((partner, *sides), {}).get(kind) != name:
            statement = re.sub(rf"\n[^\n]*\b{kind}\b[^\n]*", "", statement, flags=re.I)
    return _DANGLING_COMMA.sub(r"\1", statement)


def _operator(found: re.Match[str]) -> Operator:
    return found.group(1).lower(), _clause(found.group(2), "LEFTARG"), _clause(found.group(2), "RIGHTARG")


def _claims(clauses: str) -> dict[str, str | None]:
    return {kind: _clause(clauses, kind) for kind in ("COMMUTATOR", "NEGATOR")}


def _clause(clauses: str, name: str) -> str | None:
    found = re.search(rf"\b{name}\s*=\s*'?([^\s',]+)'?", clauses, re.I)
    return found.group(1).lower() if found else None


def main(path: Path) -> None:
    """Mend a script in place."""
    script = path.read_text(encoding="utf-8")
    mended = without_one_sided_partners(script)
    if mended != script:
        Path(f"{path}.orig").write_text(script, encoding="utf-8")
        path.write_text(mended, encoding="utf-8")
        print("pg_sphere: dropped what its operators wrongly say of each other")


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else SCRIPT))
