"""Tasks to rows in worker processes, and rows to a table that an interrupted run goes on with."""

import multiprocessing
import signal
import tempfile
import traceback
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import SimpleQueue
from typing import Any, BinaryIO, NamedTuple, cast

from service.scoring.checkpoint import Listing, Progress, open_checkpoint, own_files
from service.scoring.contents import Contents
from service.scoring.reading import Digits, Fields, Scorer, Tally, tally_of
from service.scoring.sources import Task, from_line, list_pieces, tasks_of
from service.scoring.writers import Writer

# Not forked: a fork copies locks that another thread of the parent may hold.
_SPAWN = multiprocessing.get_context("spawn")
_Idle = SimpleQueue[tuple[BaseProcess, Connection]]

# Tasks per worker that are in progress, or done and waiting for an earlier one.
_TASKS_AHEAD = 4

# A process takes about a second to start; fewer tasks are not worth that.
_TASKS_WORTH_A_PROCESS = 4


class WorkerFailed(Exception):
    """Error for a worker process that could not finish its task."""


@dataclass(frozen=True)
class Job:
    """What is read, and how; can be sent to another process.

    Without `workers`, as many processes read as are worth it, up to `cores`.
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


def score_to_file(
    job: Job, out: Path, request: Mapping[str, Any], progress: Progress, *, overwrite: bool
) -> Summary | None:
    """Write the table `out`, or resume an interrupted run of the same `request`.

    Returns:
        What was done; None if the table was already complete.

    Raises:
        NoSuchSource, CannotWrite, WorkerFailed, OSError: it could not be done, or not now.
    """
    with open_checkpoint(out) as checkpoint:
        tasks = job.tasks(own_files(out))
        run = checkpoint.begin(request, tasks, progress, overwrite=overwrite)
        if run is None:
            return None
        before = checkpoint.tally.pictures
        progress(before, run.pictures)
        workers = job.workers_for(run.pictures - before)
        with closing(_score(job, checkpoint.remaining(), workers)) as done:
            for scored in done:
                checkpoint.add(scored.rows, scored.tally)
                progress(checkpoint.tally.pictures, run.pictures)
        checkpoint.finish(lambda chunks, file: job.writer.join(job.method.columns, chunks, file))
        return Summary(checkpoint.tally, before, workers)


def score_to_pipe(job: Job, pipe: BinaryIO, progress: Progress) -> Summary:
    """Write the rows to `pipe` in order, those of each task as soon as they are read.

    Raises:
        NoSuchSource, WorkerFailed, OSError: it could not be done.
    """
    listing, tally = Listing(progress), Tally()
    with tempfile.TemporaryFile() as lines:
        lines.writelines(listing.lines(job.tasks()))
        lines.seek(0)
        progress(0, listing.pictures)
        workers = job.workers_for(listing.pictures)
        with closing(_score(job, map(from_line, lines), workers)) as done:
            for scored in done:
                pipe.write(scored.rows)
                pipe.flush()
                tally += scored.tally
                progress(tally.pictures, listing.pictures)
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
    # A thread for each process waits for its results. concurrent.futures has processes too, but
    # hangs if one is killed while it sends a result.
    with ThreadPoolExecutor(workers) as threads, _processes(job, workers) as idle:
        ahead: deque[Future[Scored]] = deque()
        while True:
            some = islice(tasks, _TASKS_AHEAD * workers - len(ahead))
            ahead.extend(threads.submit(_ask, idle, task) for task in some)
            if not ahead:
                return
            yield ahead.popleft().result()


def _ask(idle: _Idle, task: Task) -> Scored:
    process, connection = idle.get()
    try:
        connection.send(task)
        answer = connection.recv()
    except (EOFError, OSError) as error:
        process.join()
        status = process.exitcode or 0
        how = signal.Signals(-status).name if status < 0 else f"status {status}"
        raise WorkerFailed(
            f"a worker process ended with {how}; if memory ran out, use fewer --workers"
        ) from error
    finally:
        idle.put((process, connection))
    if isinstance(answer, str):
        raise WorkerFailed(f"a worker process failed:\n{answer}")
    return cast(Scored, answer)


@contextmanager
def _processes(job: Job, count: int) -> Iterator[_Idle]:
    idle: _Idle = SimpleQueue()
    started: list[BaseProcess] = []
    try:
        with _interrupt_blocked():
            for _ in range(count):
                ours, theirs = _SPAWN.Pipe()
                process = _SPAWN.Process(target=_answer, args=(job, theirs), daemon=True)
                process.start()
                # The only other copy is the process's: its end is that of the pipe.
                theirs.close()
                started.append(process)
                idle.put((process, ours))
        yield idle
    finally:
        # They only read: nothing is left half done.
        for each in started:
            each.terminate()
        for each in started:
            each.join()


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


def _answer(job: Job, parent: Connection) -> None:
    # Ctrl-C reaches every process of a terminal; the parent ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    work = None
    # It ends with its parent, however that ends.
    with suppress(EOFError, OSError):
        while True:
            task = parent.recv()
            try:
                work = work or _Work(job)
                answer: Scored | str = work(task)
            except Exception:
                answer = traceback.format_exc()
            parent.send(answer)


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
