"""A process that does one task after another, as it is told."""

import signal
import traceback
from multiprocessing.connection import Connection
from pathlib import Path
from typing import NamedTuple

from service.scoring.plan import task_at
from service.scoring.scorer import Job, Scored, Scorer


class Done(NamedTuple):
    """The task with this number is done."""

    number: int
    scored: Scored


class Failed(NamedTuple):
    """A task could not be done."""

    traceback: str


def work(job: Job, plan: Path, boss: Connection) -> None:
    """Do `job` to the tasks that `boss` asks for, each by its number and its place in `plan`.

    It ends with its boss, however that ends: nobody else holds the other end of the pipe.
    """
    # Ctrl-C reaches every process of a terminal. The boss ends its workers.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
    try:
        _work(job, plan, boss)
    except (EOFError, OSError):
        # There is no boss any more.
        return


def _work(job: Job, plan: Path, boss: Connection) -> None:
    scorer = None
    with plan.open("rb") as lines:
        while True:
            number, place = boss.recv()
            try:
                scorer = scorer or Scorer(job)
                told: Done | Failed = Done(number, scorer(task_at(lines, place)))
            except Exception:
                told = Failed(traceback.format_exc())
            boss.send(told)
