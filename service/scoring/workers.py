"""Tasks to scored tasks, in their order, in this process or in several."""

import contextlib
import multiprocessing
import signal
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import islice
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import cast

from service.scoring.plan import task_at
from service.scoring.scorer import Job, Scored, Scorer
from service.scoring.worker import Done, Failed, work

# Not forked: a fork copies locks that another thread of the parent may hold. A pool of
# concurrent.futures would outlive a parent that is killed: github.com/python/cpython/issues/111873
_SPAWN = multiprocessing.get_context("spawn")

# Tasks that a worker has at a time: one in work, and one to go on with at once.
_TASKS = 2

# How many tasks may be done before one that is not, for each worker: their rows are in memory.
_LEAD = 4


class WorkerFailed(Exception):
    """A worker could not do its task, or ended over it."""


def score(
    job: Job, plan: Path, places: Iterator[int], workers: int
) -> Generator[Scored, None, None]:
    """Do `job` to the tasks at `places` of `plan`; what comes is in their order.

    Raises:
        WorkerFailed: a worker could not do its task, or ended over it.
    """
    if workers == 1:
        scorer = Scorer(job)
        with plan.open("rb") as lines:
            for place in places:
                yield scorer(task_at(lines, place))
        return
    with _workers(job, plan, workers) as started:
        yield from _in_order(started, places)


def _in_order(
    workers: dict[Connection, BaseProcess], places: Iterator[int]
) -> Generator[Scored, None, None]:
    free = list(workers) * _TASKS
    done: dict[int, Scored] = {}
    asked = turn = 0
    while True:
        room = turn + _LEAD * len(workers) - asked
        for place in islice(places, min(room, len(free))):
            # To one that has ended it cannot be said, which is seen below.
            with contextlib.suppress(OSError):
                free.pop(0).send((asked, place))
            asked += 1
        if asked == turn:
            return
        for each in wait(list(workers)):
            connection = cast("Connection", each)
            told = _heard(connection, workers[connection])
            done[told.number] = told.scored
            free.append(connection)
        while turn in done:
            yield done.pop(turn)
            turn += 1


def _heard(connection: Connection, worker: BaseProcess) -> Done:
    try:
        told = connection.recv()
    except (EOFError, OSError) as error:
        worker.join()
        raise WorkerFailed(_end_of(worker)) from error
    if isinstance(told, Failed):
        raise WorkerFailed(f"a worker failed:\n{told.traceback}")
    return cast("Done", told)


def _end_of(worker: BaseProcess) -> str:
    status = worker.exitcode or 0
    if status < 0:
        how = f"was ended by {signal.Signals(-status).name}"
        return f"a worker {how}; where memory ran out, take fewer --workers"
    return f"a worker ended with status {status}"


@contextmanager
def _workers(job: Job, plan: Path, count: int) -> Iterator[dict[Connection, BaseProcess]]:
    workers: dict[Connection, BaseProcess] = {}
    try:
        with _blocked_interrupt():
            for _ in range(count):
                connection, others = _SPAWN.Pipe()
                worker = _SPAWN.Process(target=work, args=(job, plan, others), daemon=True)
                worker.start()
                # The worker's copy is then the only one: its end is the end of the pipe.
                others.close()
                workers[connection] = worker
        yield workers
    finally:
        # They only read: there is nothing that they could leave half done.
        for started in workers.values():
            started.terminate()
        for connection, started in workers.items():
            started.join()
            connection.close()


@contextmanager
def _blocked_interrupt() -> Iterator[None]:
    # What is started meanwhile is not interrupted before it can say what that means to it.
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    # Otherwise the first worker starts it, and its start lets interrupts through again.
    resource_tracker.ensure_running()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
