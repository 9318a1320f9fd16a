"""SIGTERM as an exception, so that a long work can tidy up and say how to go on."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Terminated(BaseException):
    """The process was told to end."""


@contextmanager
def terminated_by_signal() -> Iterator[None]:
    """Let SIGTERM raise Terminated in the block."""
    before = signal.signal(signal.SIGTERM, _raise)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _raise(_number: int, _frame: FrameType | None) -> None:
    raise Terminated
