"""A reload of the models in all workers or in none, as the supervisor leads it."""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

from service.lifecycle import Served
from service.processes.member import Member
from service.processes.messages import Adopt, Discard, Load, Loaded, Reloaded

_log = logging.getLogger(__name__)

# Longer than any worker takes that is not hung.
_PATIENCE_SECONDS = 120.0


@dataclass
class _Round:
    number: int
    asker: Member | None
    waiting: set[Member]
    loaded: dict[Member, Served]
    deadline: float


class Reloads:
    """One reload at a time: every worker loads the models, then all of them serve what they loaded.

    One that is being started does so when it has started. One that dies meanwhile counts no more,
    and the one in its place loads the models by itself.
    """

    def __init__(self) -> None:
        self._round: _Round | None = None
        self._number = 0

    def begin(self, members: Iterable[Member], asker: Member | None = None) -> None:
        """Let `members` load the models, and tell `asker` in the end."""
        if self._round:
            if asker is None:
                _log.info("SIGHUP: the models are being loaded again already")
            _tell(asker, Reloaded("the models are being loaded again already", busy=True))
            return
        waiting = set(members)
        self._number += 1
        deadline = time.monotonic() + _PATIENCE_SECONDS
        self._round = _Round(self._number, asker, waiting, {}, deadline)
        for member in waiting:
            member.say(Load(self._number))
        self._end_if_all_answered()

    def heed(self, member: Member, answer: Loaded) -> None:
        """Note how it went in `member`."""
        if not self._round or answer.round != self._round.number:
            return
        if isinstance(answer.outcome, str):
            self._fail(answer.outcome)
            return
        self._round.waiting.discard(member)
        self._round.loaded[member] = answer.outcome
        self._end_if_all_answered()

    def forget(self, member: Member) -> None:
        """Wait no more for `member`, which has ended."""
        if self._round:
            self._round.waiting.discard(member)
            self._round.loaded.pop(member, None)
            self._end_if_all_answered()

    def check_deadline(self) -> None:
        """Give up a reload that takes too long."""
        if self._round and time.monotonic() > self._round.deadline:
            self._fail(f"not every worker had loaded the models after {_PATIENCE_SECONDS:g} s")

    def _end_if_all_answered(self) -> None:
        if not self._round or self._round.waiting:
            return
        kinds = set(self._round.loaded.values())
        if not kinds:
            self._fail("no worker is there to load the models; one that starts will")
        elif len(kinds) > 1:
            self._fail("the models' folder changed meanwhile: workers loaded different models")
        else:
            self._succeed(kinds.pop())

    def _succeed(self, served: Served) -> None:
        ended, self._round = self._round, None
        if ended:
            served = replace(served, workers=len(ended.loaded))
            for member in ended.loaded:
                member.say(Adopt())
            _log.info("reloaded in %d workers: %s", served.workers, served)
            _tell(ended.asker, Reloaded(served))

    def _fail(self, reason: str) -> None:
        ended, self._round = self._round, None
        if ended:
            for member in {*ended.loaded, *ended.waiting}:
                member.say(Discard())
            _log.error("reload failed, the old models go on in every worker: %s", reason)
            _tell(ended.asker, Reloaded(reason))


def _tell(asker: Member | None, message: Reloaded) -> None:
    if asker:
        asker.say(message)
