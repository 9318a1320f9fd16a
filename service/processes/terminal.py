"""The terminal that the process was started from, if any."""

import os
import signal

_OWN_TERMINAL = "/dev/tty"


class Terminal:
    """Tells a SIGHUP that says "the terminal was closed" from one that says "reload"."""

    def __init__(self) -> None:
        ignored = hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        # Under nohup the process is to outlive its terminal.
        self._was_there = _is_there() and not ignored

    @property
    def is_gone(self) -> bool:
        """Whether there was one, and is no more."""
        return self._was_there and not _is_there()


def _is_there() -> bool:
    try:
        os.close(os.open(_OWN_TERMINAL, os.O_RDWR))
    except OSError:
        return False
    return True
