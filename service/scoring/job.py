"""Tasks to rows in worker processes, and rows to a table that an interrupted run goes on with."""

import multiprocessing
import signal
import tempfile
import traceback
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import islice
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

from service.scoring.checkpoint import Listing, Progress, Run, open_checkpoint, own_files
from service.scoring.contents import Contents
from service.scoring.forms import FormMethod
from service.scoring.reading import Column, Method, Scorer, Tally, tally_of
from service.scoring.sources import Task, from_line, list_pieces, tasks_of
from service.scoring.tables import ANY_COLUMNS, Columns, carried_columns
from service.scoring.writers import Writer
from service.server.system import signals_blocked

if TYPE_CHECKING:
    import pyarrow as pa

# Not forked: a fork copies locks that another thread of the parent may hold.
_SPAWN = multiprocessing.get_context("spawn")
_Idle = SimpleQueue["_Work | _Process"]

# Tasks per worker that are in progress, or done and waiting for an earlier one.
_TASKS_AHEAD = 4

# A process takes about a second to start, while this one reads; fewer tasks are not worth that.
_TASKS_WORTH_A_PROCESS = 4


class WorkerFailed(Exception):
    """Error for a worker process that could not finish its task."""


@dataclass(frozen=True)
class Job:
    """What is read, and how; can be sent to another process.

    Without `workers`, as many processes read as are worth it, up to `cores`.
    """

    method: Method | FormMethod
    writer: Writer
    max_bytes: int
    sources: tuple[str, ...]
    workers: int | None
    cores: int
    tables: Columns = ANY_COLUMNS
    carried: "tuple[pa.Field, ...]" = ()

    @property
    def columns(self) -> "tuple[Column | pa.Field, ...]":
        """The columns of the results."""
        return (*self.method.columns, *self.carried)

    def scorer(self) -> Scorer:
        """Load the model."""
        origins = {each.name: each.metadata[b"origin"].decode() for each in self.carried}
        return Scorer(self.method, origins)

    def listing(self, progress: Progress, ignored: frozenset[str] = frozenset()) -> Listing:
        """Return the list of everything that is to be read."""
        contents = Contents(self.max_bytes, self.tables, all_pages=self.method.all_pages)
        pieces = list_pieces(self.sources, contents, ignored)
        return Listing(tasks_of(pieces, self.method.task_size), contents, progress)

    def with_tables(self, run: Run, *taken: str) -> "Job":
        """Return this job with the columns of the tables; `taken` names are not for them."""
        own = [column.name for column in self.method.columns]
        return replace(self, carried=carried_columns(run.schema_of_tables, [*taken, *own]))

    def workers_for(self, pictures: int) -> int:
        """Return how many processes are to read so many."""
        worth = pictures // (_TASKS_WORTH_A_PROCESS * self.method.task_size)
        return self.workers or max(1, min(self.cores, worth))


class Scored(NamedTuple):
    """The rows of a task, encoded and counted."""

    rows: bytes
    tally: Tally


class Summary(NamedTuple):
    """What a run did."""

    tally: Tally  # of all pictures
    before: int  # how many of them an earlier run had read
    workers: int  # how many processes read the others
    skipped: int  # how many files were found that are no pictures


def score_to_file(
    job: Job, out: Path, request: Mapping[str, Any], progress: Progress, *, overwrite: bool
) -> Summary | None:
    """Write the table `out`, or resume an interrupted run of the same `request`.

    Returns what was done; None if the table was already complete.

    Raises:
        NoSuchSource, UnreadableContent, CannotWrite, WorkerFailed, OSError: it could not be done,
            or not now.
    """
    with open_checkpoint(out) as checkpoint:
        listing = job.listing(progress, own_files(out))
        run = checkpoint.begin(request, listing, overwrite=overwrite)
        if run is None:
            return None
        run.check_tables(Contents(job.max_bytes))
        job = job.with_tables(run)
        before = checkpoint.tally.pictures
        progress(before, run.pictures)
        workers = job.workers_for(run.pictures - before)
        with closing(_score(job, checkpoint.remaining(), workers)) as done:
            for scored in done:
                checkpoint.add(scored.rows, scored.tally)
                progress(checkpoint.tally.pictures, run.pictures)
        checkpoint.finish(lambda chunks, file: job.writer.join(job.columns, chunks, file))
        return Summary(checkpoint.tally, before, workers, run.skipped)


def score_to_pipe(job: Job, pipe: BinaryIO, progress: Progress) -> Summary:
    """Write the rows to `pipe` in order, those of each task as soon as they are read.

    Raises:
        NoSuchSource, UnreadableContent, WorkerFailed, OSError: it could not be done.
    """
    listing, tally = job.listing(progress), Tally()
    with tempfile.TemporaryFile() as lines:
        lines.writelines(listing)
        run = listing.run({})
        job = job.with_tables(run)
        lines.seek(0)
        progress(0, run.pictures)
        workers = job.workers_for(run.pictures)
        with closing(_score(job, map(from_line, lines), workers)) as done:
            for scored in done:
                pipe.write(scored.rows)
                pipe.flush()
                tally += scored.tally
                progress(tally.pictures, run.pictures)
        return Summary(tally, 0, workers, run.skipped)


def _score(job: Job, tasks: Iterator[Task], workers: int) -> Generator[Scored, None, None]:
    """Yield the rows of `tasks` in their order, or raise `WorkerFailed`."""
    if workers == 1:
        work = _Work(job)
        yield from map(work, tasks)
        return
    # A thread for each process waits for its results. concurrent.futures has processes too, but
    # hangs if one is killed while it sends a result.
    # This process reads too: the others take a second to start.
    ahead: deque[Future[Scored]] = deque()
    idle: _Idle = SimpleQueue()
    idle.put(_Work(job))
    with ThreadPoolExecutor(workers) as threads, _processes(job, workers - 1, idle):
        try:
            while True:
                some = islice(tasks, _TASKS_AHEAD * workers - len(ahead))
                ahead.extend(threads.submit(_read, idle, task) for task in some)
                if not ahead:
                    return
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


def _read(idle: _Idle, task: Task) -> Scored:
    work = idle.get()
    try:
        return work(task)
    finally:
        idle.put(work)


class _Process:
    """A worker process, and the pipe to it."""

    def __init__(self, process: BaseProcess, connection: Connection) -> None:
        self._process = process
        self._connection = connection

    def __call__(self, task: Task) -> Scored:
        try:
            self._connection.send(task)
            answer = self._connection.recv()
        except (EOFError, OSError) as error:
            self._process.join()
            status = self._process.exitcode or 0
            how = signal.Signals(-status).name if status < 0 else f"status {status}"
            raise WorkerFailed(
                f"a worker process ended with {how}; if memory ran out, use fewer --workers"
            ) from error
        if isinstance(answer, str):
            raise WorkerFailed(f"a worker process failed:\n{answer}")
        return cast(Scored, answer)


@contextmanager
def _processes(job: Job, count: int, idle: _Idle) -> Iterator[None]:
    started: list[BaseProcess] = []
    try:
        # Ctrl-C is for this process alone.
        with signals_blocked([signal.SIGINT]):
            for _ in range(count):
                ours, theirs = _SPAWN.Pipe()
                process = _SPAWN.Process(target=_answer, args=(job, theirs), daemon=True)
                process.start()
                # The only other copy is the process's: its end is that of the pipe.
                theirs.close()
                started.append(process)
                idle.put(_Process(process, ours))
        yield
    finally:
        # They only read: nothing is left half done.
        for each in started:
            each.terminate()
        for each in started:
            each.join()


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
        self._scorer = job.scorer()
        all_pages = job.method.all_pages
        self._contents = Contents(job.max_bytes, job.tables, all_pages=all_pages)

    def __call__(self, task: Task) -> Scored:
        rows = list(self._scorer.rows(self._contents.of(task)))
        return Scored(self._job.writer.encode(self._job.columns, rows), tally_of(rows))
