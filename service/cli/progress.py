"""How far a long work has come, on standard error where that is a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        """Pictures a second, lately."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


class Pictures:
    """A bar: first how many are listed, then how many are read."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def listed(self, pictures: int) -> None:
        """So many are listed by now."""
        self._progress.update(self._task, completed=pictures)

    def begin(self, pictures: int, done: int) -> None:
        """`pictures` are to be read, `done` of them have been."""
        self._progress.reset(self._task, description="reading", total=pictures, completed=done)

    def read(self, pictures: int) -> None:
        """So many more were read."""
        self._progress.advance(self._task, pictures)


@contextmanager
def shown(*, wanted: bool) -> Iterator[Pictures]:
    """Show a bar for as long as the block lasts, if `wanted`."""
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not wanted,
    )
    with progress:
        yield Pictures(progress, progress.add_task("listing", total=None))
