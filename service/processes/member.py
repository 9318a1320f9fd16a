"""A worker's process as its supervisor holds it."""

import contextlib
import multiprocessing
import signal
import socket
import time
from collections.abc import Iterator

from service.auth.api_keys import ApiKeys
from service.processes.child import SIGNALS, begin
from service.processes.messages import Started
from service.settings import Settings

# Not forked: a fork copies locks that another thread of the parent may hold, and numpy and OpenCV
# have threads.
_SPAWN = multiprocessing.get_context("spawn")

# To import everything and to load the models on a machine that is busy.
_STARTUP_SECONDS = 120.0


class Member:
    """A worker's process, from its start to its end."""

    def __init__(self, settings: Settings, access: ApiKeys, listener: socket.socket) -> None:
        self._silence_allowed = settings.worker_timeout
        self.channel, other_end = _SPAWN.Pipe()
        # A daemon is ended where the supervisor ends with an exception.
        self.process = _SPAWN.Process(
            target=begin, args=(settings, access, listener, other_end), daemon=True
        )
        with _blocked_signals():
            self.process.start()
        # The worker's copy is then the only one, and its end is seen as the end of the pipe.
        other_end.close()
        self.started = False
        self._began = self._heard = time.monotonic()

    @property
    def pid(self) -> int:
        """The process's id."""
        return self.process.pid or 0

    @property
    def age(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self._began

    @property
    def hangs(self) -> bool:
        """Whether it has given no sign of life for too long."""
        allowed = self._silence_allowed if self.started else _STARTUP_SECONDS
        return time.monotonic() - self._heard > allowed

    def excuse(self) -> None:
        """Take as a sign of life that nobody has listened for some time."""
        self._heard = time.monotonic()

    def say(self, message: object) -> None:
        """Tell it `message`, if it still listens."""
        with contextlib.suppress(OSError):
            self.channel.send(message)

    def hear(self) -> list[object]:
        """What it has said since; nothing where it has ended."""
        heard: list[object] = []
        with contextlib.suppress(EOFError, OSError):
            while self.channel.poll():
                heard.append(self.channel.recv())
        if heard:
            self._heard = time.monotonic()
        self.started = self.started or any(isinstance(each, Started) for each in heard)
        return heard

    def kill(self) -> None:
        """End it at once, whatever it does."""
        self.process.kill()

    def bury(self) -> str:
        """Release what is left of it once it has ended; how it ended."""
        self.process.join()
        code = self.process.exitcode or 0
        self.channel.close()
        self.process.close()
        return f"ended with status {code}" if code >= 0 else f"was ended by {_name_of(-code)}"


@contextlib.contextmanager
def _blocked_signals() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
