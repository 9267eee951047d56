"""The history of champions: given what happened, who is champion, who may come back."""

from hypothesis import given
from hypothesis import strategies as st

from stellarfm.promotions import (
    Entry,
    champion_of,
    entry_after,
    former_champions,
    pinned,
    read_entries,
    rejected,
    stack_of,
)

LINE = "leung_bovy"


def history(*happened: tuple[str, int], line: str = LINE) -> list[Entry]:
    entries: list[Entry] = []
    for action, version in happened:
        entries.append(entry_after(entries, action, line, version, "because"))  # type: ignore[arg-type]
    return entries


def test_going_back_twice_goes_back_two_steps() -> None:
    promoted = [("promoted", 1), ("promoted", 2), ("promoted", 3)]
    assert champion_of(history(*promoted, ("rolled back", 2)), LINE) == 2
    twice = history(*promoted, ("rolled back", 2), ("rolled back", 1))
    assert stack_of(twice, LINE) == [1]
    assert set(rejected(twice, LINE)) == {2, 3}


def test_what_was_left_behind_returns_by_a_persons_word_alone() -> None:
    left = history(("promoted", 1), ("promoted", 2), ("rolled back", 1))
    assert set(rejected(left, LINE)) == {2}
    back = [*left, entry_after(left, "promoted", LINE, 2, "it was the data", forced=True)]
    assert (champion_of(back, LINE), rejected(back, LINE)) == (2, {})


def test_an_entry_knows_whom_it_follows() -> None:
    entries = history(("promoted", 1), ("refused", 2), ("promoted", 3))
    assert [(entry.version, entry.before) for entry in entries] == [(1, None), (2, 1), (3, 1)]


def test_each_vocabulary_has_a_champion_of_its_own() -> None:
    entries = history(("promoted", 1))
    entries.append(entry_after(entries, "promoted", "photometry", 2, "the first"))
    assert (champion_of(entries, LINE), champion_of(entries, "photometry")) == (1, 2)


def test_a_pin_holds_until_it_is_taken_out() -> None:
    assert pinned(history(("promoted", 1), ("pinned", 1)), LINE) == 1
    assert pinned(history(("promoted", 1), ("pinned", 1), ("unpinned", 1)), LINE) is None


def test_former_champions_are_those_that_nobody_rejected() -> None:
    entries = history(("promoted", 1), ("promoted", 2), ("promoted", 3), ("rolled back", 2), ("promoted", 4))
    assert former_champions(entries, LINE) == [1, 2]


@given(st.lists(st.tuples(st.sampled_from(["promoted", "rolled back"]), st.integers(1, 5))))
def test_whatever_happens_a_champion_is_never_rejected_and_a_line_reads_as_it_was_written(
    happened: list[tuple[str, int]],
) -> None:
    entries = history(*happened)
    champion, stack = champion_of(entries, LINE), stack_of(entries, LINE)
    assert champion not in rejected(entries, LINE)
    assert len(stack) == len(set(stack))
    assert not set(stack) & set(rejected(entries, LINE))
    assert read_entries([entry.to_json() for entry in entries]) == entries
