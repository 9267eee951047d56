"""Great Expectations on DuckDB: one context whose Data Docs grow table by table; nothing leaves this machine."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stellarfm.checks.docs import make_offline
from stellarfm.checks.duckdb_source import Scratch, import_great_expectations, let_go, open_scratch
from stellarfm.checks.suites import Rule
from stellarfm.sql_paths import database_path
from stellarfm.sql_text import literal

ATTACHED = "checked"
"""Name under which the checked DuckDB file is attached there."""

DOCS_INDEX = Path("docs") / "index.html"
_EXAMPLES = 20


@dataclass(frozen=True)
class RuleResult:
    """How one rule came out.

    Attributes
    ----------
    rule
        The rule.
    success
        Whether the table keeps it.
    num_rows
        Rows that break it, where it judges rows.
    found
        What was found, in words.
    """

    rule: Rule
    success: bool
    num_rows: int | None
    found: str


class Validator:
    """Judges relations of a scratch DuckDB database and keeps the results for Data Docs.

    Great Expectations works in one transaction: relations that are made after the first was judged stay unseen.

    Parameters
    ----------
    scratch
        Where the relations are.
    folder
        Gets ``docs/``, and ``results/`` from which a later judge goes on.
    """

    def __init__(self, scratch: Scratch, folder: Path) -> None:
        gx = import_great_expectations()
        self.con = scratch.con
        self._docs = folder / DOCS_INDEX.parent
        self._gx = gx
        # ephemeral, with stores of ours: no project folder is written beside the user's files
        self._context = gx.get_context(project_config=_config(folder), mode="ephemeral")
        self._source = scratch.as_source(self._context)

    def validate(self, name: str, view: str, rules: Sequence[Rule]) -> list[RuleResult]:
        """Judge one relation.

        Parameters
        ----------
        name
            What Data Docs call it.
        view
            Its name in the scratch database.
        rules
            What is expected of it, every argument known.

        Returns
        -------
        list of RuleResult
            One a rule, in their order.

        Raises
        ------
        ValueError
            If a rule could not be judged: a mistake in the suite, not in the data.
        """
        suite = self._gx.ExpectationSuite(name=name, expectations=[rule.to_expectation() for rule in rules])
        batch = self._source.add_table_asset(name, table_name=view)
        definition = self._gx.ValidationDefinition(
            name=name,
            data=batch.add_batch_definition_whole_table("all"),
            suite=self._context.suites.add_or_update(suite),
        )
        results = self._context.validation_definitions.add_or_update(definition).run(
            # not COMPLETE, which keeps every failing row in memory: those are found by SQL, see `checks.rows`
            result_format={"result_format": "SUMMARY", "partial_unexpected_count": _EXAMPLES},
        )
        by_name = {result.expectation_config.meta["rule"]: result for result in results.results}
        return [_rule_result(rule, by_name[rule.name]) for rule in rules]

    def write_docs(self) -> None:
        """Write the pages of everything that was judged so far."""
        self._context.build_data_docs()
        make_offline(self._docs)

    def close(self) -> None:
        """Let go of the database."""
        let_go(self._source)


@contextmanager
def open_validator(database: Path, folder: Path, memory_limit: str = "2GB", threads: int = 2) -> Iterator[Validator]:
    """Open a DuckDB file for judging: a scratch database with the file attached read-only as ``checked``.

    Parameters
    ----------
    database
        File that no connection holds open for writing.
    folder
        Gets the Data Docs.
    memory_limit, threads
        What DuckDB may take.
    """
    # a database of its own: the checked file is only attached, and nothing that a check makes is left in it
    with open_scratch(folder.absolute() / "judged.duckdb", memory_limit, threads) as scratch:
        attach(scratch.con, database)
        validator = Validator(scratch, folder)
        try:
            yield validator
        finally:
            validator.close()


def attach(con: Any, database: Path, *, read_only: bool = True) -> None:
    """Attach the checked file; ATTACH takes no parameters."""
    con.execute(
        f"attach {literal(database_path(database, read_only=read_only))} as {ATTACHED}{' (read_only)' if read_only else ''}"
    )


def _config(folder: Path) -> Any:
    from great_expectations.data_context.types.base import DataContextConfig, ProgressBarsConfig

    def store(kind: str, name: str) -> dict[str, Any]:
        # files, from which a later validator of the same folder goes on: the docs of staging and marts are one site
        return {"class_name": kind, "store_backend": _files(folder / "results" / name)}

    return DataContextConfig(
        expectations_store_name="suites",
        validation_results_store_name="validations",
        checkpoint_store_name="checkpoints",
        analytics_enabled=False,
        progress_bars=ProgressBarsConfig(globally=False),
        stores={
            "suites": store("ExpectationsStore", "suites"),
            "validations": store("ValidationResultsStore", "validations"),
            "validation_definition_store": {"class_name": "ValidationDefinitionStore"},
            "checkpoints": {"class_name": "CheckpointStore"},
        },
        data_docs_sites={
            "site": {
                "class_name": "SiteBuilder",
                "show_how_to_buttons": False,
                "store_backend": _files(folder / "docs"),
                "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
                "site_section_builders": {
                    section: {"view": {"module_name": "stellarfm.checks.page_view", "class_name": "EscapedPageView"}}
                    for section in ("expectations", "validations")
                },
            }
        },
    )


def _files(folder: Path) -> dict[str, Any]:
    return {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.absolute())}


def _rule_result(rule: Rule, outcome: Any) -> RuleResult:
    # two forms: of the expectation itself, or one entry a metric that failed
    raised = outcome.exception_info or {}
    if raised.get("raised_exception") or any(
        isinstance(v, dict) and v.get("raised_exception") for v in raised.values()
    ):
        raise ValueError(f"the rule {rule.name!r} could not be judged: {_message(raised)}")
    result = outcome.result
    num_rows = result.get("unexpected_count")
    return RuleResult(rule, bool(outcome.success), num_rows, "" if outcome.success else _in_words(rule, result))


def _message(raised: Mapping[str, Any]) -> str:
    """Return the first line of the first exception that Great Expectations kept, "" if there was none."""
    kept = [raised, *(value for value in raised.values() if isinstance(value, dict))]
    return next((str(k["exception_message"]).splitlines()[0] for k in kept if k.get("raised_exception")), "")


def _in_words(rule: Rule, result: Mapping[str, Any]) -> str:
    if result.get("unexpected_count") is not None:
        share = result.get("unexpected_percent") or 0.0
        examples = ", ".join(dict.fromkeys(_short(value) for value in result.get("partial_unexpected_list", [])[:3]))
        return f"{result['unexpected_count']:,} rows ({share:.3g} %) break it" + (
            f", e.g. {examples}" if examples else ""
        )
    if rule.type == "unexpected_rows_expectation":
        details = (result.get("details") or {}).get("unexpected_rows") or []
        first = ", ".join(f"{key} = {_short(value)}" for key, value in dict(details[0]).items()) if details else ""
        return f"found {first}" if first else f"{result.get('observed_value')} rows break it"
    return f"found {_short(result.get('observed_value'))}"


def _short(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
