"""Tasks to rows in worker processes, and rows to a table that an interrupted run goes on with."""

import multiprocessing
import os
import pickle
import signal
import tempfile
import threading
import traceback
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

from service.scoring.checkpoint import Listing, open_checkpoint, own_files
from service.scoring.contents import Contents
from service.scoring.reading import Digits, Fields, Scorer, Tally, tally_of
from service.scoring.sources import Task, from_line, list_pieces, tasks_of
from service.scoring.writers import Writer

# Not forked: a fork copies locks that another thread of the parent may hold.
_SPAWN = multiprocessing.get_context("spawn")

# Tasks per worker that are in progress, or done and waiting for an earlier one.
_TASKS_AHEAD = 4

# A process takes about a second to start; fewer tasks are not worth that.
_TASKS_WORTH_A_PROCESS = 4


class WorkerFailed(Exception):
    """Error for a worker process that could not finish its task."""


@dataclass(frozen=True)
class Job:
    """What is read, and how; can be sent to another process.

    Attributes:
        method: how pictures are read.
        writer: how rows are encoded.
        max_bytes: the largest file that is read.
        sources: where the pictures are.
        workers: how many processes read; None: as many as are worth it, up to `cores`.
        cores: how many there are.
    """

    method: Digits | Fields
    writer: Writer
    max_bytes: int
    sources: tuple[str, ...]
    workers: int | None
    cores: int

    def tasks(self, ignored: frozenset[str] = frozenset()) -> Iterator[Task]:
        """List everything that is to be read."""
        return tasks_of(list_pieces(self.sources, ignored), self.method.task_size)

    def workers_for(self, pictures: int) -> int:
        """Return how many processes are to read so many."""
        worth = pictures // (_TASKS_WORTH_A_PROCESS * self.method.task_size)
        return self.workers or max(1, min(self.cores, worth))


class Scored(NamedTuple):
    """The rows of a task, encoded and counted."""

    rows: bytes
    tally: Tally


class Summary(NamedTuple):
    """What a run did.

    Attributes:
        tally: of all pictures.
        before: how many of them an earlier run had read.
        workers: how many processes read the others.
    """

    tally: Tally
    before: int
    workers: int


class Progress(Protocol):
    """Is told how far a run is."""

    def listed(self, pictures: int) -> None:
        """`pictures` are listed so far."""

    def begin(self, pictures: int, done: int) -> None:
        """`pictures` are to be read, of which `done` have been."""

    def advance(self, pictures: int) -> None:
        """`pictures` more have been read."""


def score_to_file(
    job: Job, out: Path, request: Mapping[str, Any], progress: Progress, *, overwrite: bool
) -> Summary | None:
    """Write the rows to `out`, or resume an interrupted run of the same `request`.

    Args:
        job: what is read.
        out: the table.
        request: everything that the rows depend on, as JSON values.
        progress: is told how far it is.
        overwrite: start over, whatever is there.

    Returns:
        What was done; None if the table was already complete.

    Raises:
        NoSuchSource, CannotWrite, WorkerFailed, OSError: it could not be done, or not now.
    """
    with open_checkpoint(out) as checkpoint:
        tasks = job.tasks(own_files(out))
        run = checkpoint.begin(request, tasks, progress.listed, overwrite=overwrite)
        if run is None:
            return None
        before = checkpoint.tally.pictures
        progress.begin(run.pictures, before)
        workers = job.workers_for(run.pictures - before)
        with closing(_score(job, checkpoint.remaining(), workers)) as done:
            for scored in done:
                checkpoint.add(scored.rows, scored.tally)
                progress.advance(scored.tally.pictures)
        checkpoint.finish(lambda chunks, file: job.writer.join(job.method.columns, chunks, file))
        return Summary(checkpoint.tally, before, workers)


def score_to_pipe(job: Job, pipe: BinaryIO, progress: Progress) -> Summary:
    """Write the rows to `pipe` in order, those of each task as soon as they are read.

    Raises:
        NoSuchSource, WorkerFailed, OSError: it could not be done.
    """
    listing, tally = Listing(progress.listed), Tally()
    with tempfile.TemporaryFile() as lines:
        lines.writelines(listing.lines(job.tasks()))
        lines.seek(0)
        progress.begin(listing.pictures, 0)
        workers = job.workers_for(listing.pictures)
        with closing(_score(job, map(from_line, lines), workers)) as done:
            for scored in done:
                pipe.write(scored.rows)
                pipe.flush()
                tally += scored.tally
                progress.advance(scored.tally.pictures)
        return Summary(tally, 0, workers)


def _score(job: Job, tasks: Iterator[Task], workers: int) -> Generator[Scored, None, None]:
    """Yield the rows of `tasks` in their order.

    Raises:
        WorkerFailed: a worker process raised an error or ended.
    """
    if workers == 1:
        work = _Work(job)
        yield from map(work, tasks)
        return
    pickled = pickle.dumps(job)
    with _pool(workers) as pool:
        ahead: deque[Future[Scored]] = deque()
        while True:
            some = islice(tasks, _TASKS_AHEAD * workers - len(ahead))
            try:
                ahead.extend(pool.submit(_do, pickled, task) for task in some)
                scored = ahead.popleft().result() if ahead else None
            except BrokenExecutor as error:
                raise WorkerFailed(
                    "a worker process was killed; if memory ran out, use fewer --workers"
                ) from error
            if scored is None:
                return
            yield scored


@contextmanager
def _pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    # Workers end when this process closes its end of the pipe, or ends itself, however it ends.
    theirs, ours = _SPAWN.Pipe(duplex=False)
    pool = ProcessPoolExecutor(workers, _SPAWN, _start_worker, (theirs,))
    try:
        with _interrupt_blocked():
            for _ in range(workers):
                pool.submit(int)
        yield pool
    finally:
        ours.close()
        pool.shutdown(cancel_futures=True)
        theirs.close()


@contextmanager
def _interrupt_blocked() -> Iterator[None]:
    # A process that starts meanwhile cannot be interrupted before it ignores Ctrl-C.
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # The first worker would start it, and its start unblocks signals.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class _Work:
    """Does tasks, one after another."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self._scorer = Scorer(job.method)
        self._contents = Contents(job.max_bytes)

    def __call__(self, task: Task) -> Scored:
        items = (item for piece in task for item in self._contents.of(piece))
        rows = list(self._scorer.rows(items))
        return Scored(self._job.writer.encode(self._job.method.columns, rows), tally_of(rows))


def _start_worker(alive: Connection) -> None:
    # Ctrl-C reaches every process of a terminal; the parent ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    threading.Thread(target=_end_with, args=(alive,), daemon=True).start()


def _end_with(alive: Connection) -> None:
    with suppress(EOFError, OSError):
        alive.recv_bytes()
    os._exit(0)


def _do(pickled_job: bytes, task: Task) -> Scored:
    try:
        return _work_for(pickled_job)(task)
    except Exception as error:
        raise WorkerFailed(f"a worker process failed:\n{traceback.format_exc()}") from error


@lru_cache(maxsize=1)
def _work_for(pickled_job: bytes) -> _Work:
    return _Work(pickle.loads(pickled_job))  # noqa: S301 - from the parent process
