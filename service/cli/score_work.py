"""`numeral score` at work: list, read, write, and tell how far it has come."""

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from service.cli.progress import Pictures
from service.scoring.parts import folder_of, opened_parts
from service.scoring.pieces import Task, tasks_of
from service.scoring.plan import places, write_plan
from service.scoring.scorer import Job
from service.scoring.sources import list_pieces
from service.scoring.tally import Tally
from service.scoring.workers import score
from service.temporary import temporary_directory

_TEMPORARY = "numeral-score-"

# A process takes about a second to start; with fewer tasks it is not worth that.
_TASKS_WORTH_A_PROCESS = 4


@dataclass(frozen=True)
class Work:
    """What is done to what.

    Attributes:
        job: how pictures are read.
        sources: where they are.
        workers: how many processes read; None: as many as are worth it, up to `cores`.
        cores: how many there are.
        bar: hears how far it has come.
    """

    job: Job
    sources: tuple[str, ...]
    workers: int | None
    cores: int
    bar: Pictures

    def tasks(self, ignored: frozenset[str] = frozenset()) -> Iterator[Task]:
        """All that is to be done, but for what is `ignored`."""
        return tasks_of(list_pieces(self.sources, ignored), self.job.what.task_size)

    def workers_for(self, pictures: int) -> int:
        """How many processes are to read so many."""
        worth = pictures // (_TASKS_WORTH_A_PROCESS * self.job.what.task_size)
        return self.workers or max(1, min(self.cores, worth))


class Finished(NamedTuple):
    """What came of it.

    Attributes:
        tally: of all pictures.
        before: how many of them an earlier run had read.
        workers: how many processes read the others.
    """

    tally: Tally
    before: int
    workers: int


def to_file(work: Work, out: Path, asked: Mapping[str, Any], *, overwrite: bool) -> Finished:
    """Write the rows to `out`, or go on to.

    Raises:
        NoSuchSource, CannotWrite, WorkerFailed, OSError: it could not be done, or not now.
    """
    ignored = frozenset(str(path.resolve()) for path in (out, folder_of(out)))
    with opened_parts(out) as parts:
        pictures = parts.begin(asked, work.tasks(ignored), work.bar.listed, overwrite=overwrite)
        before = parts.tally.pictures
        work.bar.begin(pictures, done=before)
        workers = work.workers_for(pictures - before)
        tasks = places(parts.plan, parts.done)
        with closing(score(work.job, parts.plan, tasks, workers)) as scored:
            for each in scored:
                parts.keep(each)
                work.bar.read(each.tally.pictures)
        parts.join(work.job.what.columns, work.job.format)
        return Finished(parts.tally, before, workers)


def to_pipe(work: Work, pipe: BinaryIO) -> Finished:
    """Write the rows to `pipe`, those of each task as soon as it is their turn.

    Raises:
        NoSuchSource, WorkerFailed, OSError: it could not be done.
    """
    with temporary_directory(_TEMPORARY) as folder:
        plan = folder / "list"
        with plan.open("wb") as file:
            pictures = write_plan(file, work.tasks(), work.bar.listed)
        work.bar.begin(pictures, done=0)
        workers = work.workers_for(pictures)
        tally = Tally()
        with closing(score(work.job, plan, places(plan), workers)) as scored:
            for each in scored:
                pipe.write(each.rows)
                pipe.flush()
                tally += each.tally
                work.bar.read(each.tally.pictures)
        return Finished(tally, 0, workers)
