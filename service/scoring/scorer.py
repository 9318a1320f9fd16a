"""A task to encoded rows: all of the work, in one call that needs nothing around it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, Protocol

from service.inference.sessions import LARGEST_MICRO_BATCH
from service.scoring.archives import Archives
from service.scoring.contents import Item, contents
from service.scoring.digits import Digits
from service.scoring.errors import InternalError
from service.scoring.fields import Fields
from service.scoring.formats import Format
from service.scoring.pieces import Task
from service.scoring.rows import Row
from service.scoring.tally import Tally, tally_of


class _Pipeline(Protocol):
    # DigitPipeline or FieldPipeline.
    def decode(self, content: Any) -> Any: ...  # noqa: ANN401 - each has types of its own
    def normalise(self, picture: Any) -> Any: ...  # noqa: ANN401
    def read(self, contents: Sequence[Any]) -> Sequence[Any]: ...


@dataclass(frozen=True)
class Job:
    """What is done to every task; may be sent to another process or machine.

    Attributes:
        what: single digits or fields, and how they are read.
        format: how rows are encoded.
        max_bytes: the largest file that is read.
    """

    what: Digits | Fields
    format: Format
    max_bytes: int


class Scored(NamedTuple):
    """The rows of a task, encoded and counted."""

    rows: bytes
    tally: Tally


class Scorer:
    """Does a job task by task, with the model loaded once.

        scorer = Scorer(job)
        for task in tasks_of(list_pieces(["scans"]), job.what.task_size):
            scorer(task).rows

    `rows` alone gives them as they are, to whoever writes them otherwise.

    Args:
        job: what is done.
        items: finds the pictures of a task; None: where the local engine does.
    """

    def __init__(self, job: Job, items: Callable[[Task], Iterator[Item]] | None = None) -> None:
        self._job = job
        self._pipeline: _Pipeline = job.what.open()
        self._items = items or partial(contents, archives=Archives(), max_bytes=job.max_bytes)

    def __call__(self, task: Task) -> Scored:
        """Read the pictures of `task`; one that cannot be read has a row that says why."""
        rows = list(self.rows(task))
        return Scored(self._job.format.encode(self._job.what.columns, rows), tally_of(rows))

    def rows(self, task: Task) -> Iterator[Row]:
        """A row for each picture of `task`, in order."""
        items = self._items(task)
        # Of each picture only what the model is shown is kept: 64 files may be large.
        while some := [self._prepared(item) for item in islice(items, LARGEST_MICRO_BATCH)]:
            outcomes = self._pipeline.read([item.content for item in some])
            yield from map(self._job.what.row, some, outcomes)

    def _prepared(self, item: Item) -> Item:
        try:
            ready = self._pipeline.normalise(self._pipeline.decode(item.content))
        except Exception as error:
            # A night's work must not end at one picture, whatever is the matter with it.
            ready = InternalError(f"it cannot be prepared: {error!r:.200}")
        return item._replace(content=ready)
