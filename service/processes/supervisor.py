"""Keeps several workers running, and ends them together.

Not uvicorn's own `Multiprocess`: that kills a worker which takes five seconds to import, starts one
that fails again and again without a pause, answers its pings from a thread while the event loop
hangs, and takes SIGHUP for a restart.
"""

import logging
import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import NoReturn

from service.auth.api_keys import ApiKeys
from service.processes.child import SIGNALS
from service.processes.member import Member
from service.processes.messages import AskReload, Drain, Loaded, Started
from service.processes.reloads import Reloads
from service.processes.terminal import Terminal
from service.settings import Settings

_log = logging.getLogger(__name__)

_TICK_SECONDS = 0.5

# One that lives so long has not failed at the start.
_EARLY_SECONDS = 10.0
_MOST_EARLY_DEATHS = 5
# Callers may wait on the socket of the worker that is missing.
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 4.0

# What a worker may take to stop, besides the settings' times.
_FAREWELL_SECONDS = 5.0


@dataclass
class _Place:
    listener: socket.socket
    member: Member | None = None
    early_deaths: int = 0
    due: float = 0.0


class Supervisor:
    """A worker for each socket. The supervisor keeps the sockets open for those that come after.

    One that dies is replaced, after a pause if it died early. The supervisor gives up where workers
    die early again and again and no other one serves.
    """

    def __init__(
        self, settings: Settings, access: ApiKeys, listeners: Sequence[socket.socket]
    ) -> None:
        self._settings = settings
        self._access = access
        self._places = [_Place(listener) for listener in listeners]
        self._reloads = Reloads()
        self._terminal = Terminal()
        self._deadline: float | None = None
        self._status = 0

    def run(self) -> int:
        """Keep them running until SIGINT or SIGTERM; 0, or 1 where that was not possible."""
        with _signals() as signals:
            while self._members or self._deadline is None:
                self._start_those_due()
                self._look_after(signals)
        return self._status

    @property
    def _members(self) -> list[Member]:
        return [place.member for place in self._places if place.member]

    @property
    def _started(self) -> list[Member]:
        return [member for member in self._members if member.started]

    def _look_after(self, signals: socket.socket) -> None:
        members = self._members
        sentinels = [member.process.sentinel for member in members]
        began = time.monotonic()
        ready = wait([signals, *sentinels, *(each.channel for each in members)], _TICK_SECONDS)
        if time.monotonic() - began > 2 * _TICK_SECONDS:
            # The whole machine or container stood still.
            for member in members:
                member.excuse()
        for member in members:
            if member.channel in ready:
                self._heed(member)
        for place in self._places:
            if place.member and place.member.process.sentinel in ready:
                self._bury(place, place.member)
        if signals in ready:
            for number in signals.recv(1024):
                self._handle(number)
        self._reloads.check_deadline()
        self._end_those_that_hang()

    def _start_those_due(self) -> None:
        for place in self._places:
            if self._deadline is None and not place.member and place.due <= time.monotonic():
                place.member = Member(self._settings, self._access, place.listener)

    def _heed(self, member: Member) -> None:
        for message in member.hear():
            match message:
                case Started():
                    _log.info("worker %d serves", member.pid)
                case AskReload():
                    self._reloads.begin(self._members, asker=member)
                case Loaded():
                    self._reloads.heed(member, message)

    def _bury(self, place: _Place, member: Member) -> None:
        self._heed(member)
        self._reloads.forget(member)
        early, pid, place.member = member.age < _EARLY_SECONDS, member.pid, None
        how = member.bury()
        if self._deadline is not None:
            return
        place.early_deaths = place.early_deaths + 1 if early else 0
        if place.early_deaths >= _MOST_EARLY_DEATHS and not self._started:
            _log.error("worker %d %s; none comes up, so this is given up", pid, how)
            self._status = 1
            self._stop(0)
            return
        pause = _pause_after(place.early_deaths)
        place.due = time.monotonic() + pause
        _log.error("worker %d %s; another one starts in %g s", pid, how, pause)

    def _handle(self, number: int) -> None:
        if number not in SIGNALS:
            return
        if number == signal.SIGINT:
            self._stop(0, number)
        elif number == signal.SIGTERM:
            self._stop(self._settings.drain_seconds, number)
        elif self._terminal.is_gone:
            self._stop(0)
        else:
            self._reloads.begin(self._members)

    def _stop(self, drain_seconds: float, number: int | None = None) -> None:
        if self._deadline is not None:
            if number:
                self._end_at_once(number)
            return
        seconds = drain_seconds + self._settings.request_timeout + _FAREWELL_SECONDS
        self._deadline = time.monotonic() + seconds
        # So that each is closed once its worker has closed it.
        for place in self._places:
            place.listener.close()
        for member in self._members:
            member.say(Drain(drain_seconds))

    def _end_those_that_hang(self) -> None:
        if self._deadline is None:
            for member in self._members:
                if member.hangs:
                    _log.error("worker %d gives no sign of life and is ended", member.pid)
                    member.kill()
        elif time.monotonic() > self._deadline:
            for member in self._members:
                _log.error("worker %d does not stop and is ended", member.pid)
                self._status = 1
                member.kill()

    def _end_at_once(self, number: int) -> NoReturn:
        _log.warning("told to stop again: ends at once")
        for member in self._members:
            member.kill()
        # Not by the signal itself, which does nothing to the first process of a container.
        os._exit(128 + number)


def _pause_after(early_deaths: int) -> float:
    if early_deaths <= 1:
        return 0.0
    return min(_FIRST_PAUSE_SECONDS * 2.0 ** (early_deaths - 2), _LONGEST_PAUSE_SECONDS)


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """Where the numbers of signals arrive, in place of whatever they did."""
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    with reader, writer:
        before = {number: signal.signal(number, _leave_it_to_the_reader) for number in SIGNALS}
        descriptor = signal.set_wakeup_fd(writer.fileno())
        try:
            yield reader
        finally:
            signal.set_wakeup_fd(descriptor)
            for number, handler in before.items():
                signal.signal(number, handler)


def _leave_it_to_the_reader(_number: int, _frame: object) -> None:
    pass
