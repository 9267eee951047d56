"""Progress on the terminal: a bar with a rate and the time left, on stderr so that stdout stays for results."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

ProgressCallback = Callable[[int, int, str], None]
"""Called with what is done, what there is to do, and a remark."""


def no_progress(_done: int, _total: int, _remark: str) -> None:
    """Do nothing: the callback where nobody wants to know."""


console = Console(stderr=True, highlight=False, markup=False, emoji=False)
"""Where remarks go; what stands in brackets, a path or a value, is no markup."""


def tell(*notes: str) -> None:
    """Print sentences that a person should read beside a result; brackets in them are no markup."""
    for note in notes:
        console.print(note, soft_wrap=True, markup=False)


class _Rate(ProgressColumn):
    """Items a second since the start."""

    def render(self, task: Task) -> Text:
        if not task.speed:
            return Text("")
        return Text(f"{task.speed:,.0f} {task.fields.get('unit', '')}/s" if task.speed >= 10 else f"{task.speed:.1f}/s")


@contextmanager
def progress_bar(title: str, unit: str) -> Iterator[ProgressCallback]:
    """Show a bar while the block runs; without a terminal only its end is printed, and nothing if it never began.

    Parameters
    ----------
    title
        What is going on, in a word or two.
    unit
        What is counted, e.g. ``stars``.
    """
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TextColumn(unit),
        _Rate(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[remark]}", markup=False),
    )
    progress = Progress(*columns, console=console)
    task = progress.add_task(title, total=None, unit=unit, remark="")

    def advance(done: int, total: int, remark: str = "") -> None:
        progress.start()  # which does nothing the second time
        progress.update(task, completed=done, total=total, remark=remark)

    if console.is_terminal:  # where nobody watches, a bar of something that never began would be all that is left
        progress.start()
    try:
        yield advance
    except BaseException:
        progress.live.transient = progress.tasks[0].total is None
        raise
    finally:
        if progress.live.is_started:
            progress.stop()
