"""One of several processes that answer, as its supervisor sees and steers it."""

import asyncio
import socket
from multiprocessing.connection import Connection

from service.auth.api_keys import ApiKeys
from service.errors import ReloadFailed, ReloadInProgress
from service.lifecycle import Lifecycle, Served
from service.processes.messages import (
    Adopt,
    AskReload,
    Beat,
    Discard,
    Drain,
    Load,
    Loaded,
    Reloaded,
    Started,
)
from service.processes.server import DrainingServer
from service.settings import Settings

_BEAT_SECONDS = 1.0


def run_worker(
    settings: Settings, access: ApiKeys, listener: socket.socket, supervisor: Connection
) -> None:
    """Serve on `listener` until `supervisor` says so, or is gone."""
    _Worker(settings, access, supervisor).run(sockets=[listener])


class _Worker(DrainingServer):
    """Does what the supervisor says, and tells it that it lives.

    Its own signals it takes as a first one, as often as they come: a terminal or a service manager
    sends them to every process, besides the supervisor's word. Stopped by its own alone, it leaves
    the listening to the others.
    """

    def __init__(self, settings: Settings, access: ApiKeys, supervisor: Connection) -> None:
        lifecycle = Lifecycle(reload=self._ask_for_reload)
        # Others answer meanwhile, and who came to this one would be sent away.
        super().__init__(settings, access, lifecycle, load_first=True)
        self.alone = False
        self._supervisor = supervisor
        self._asked: asyncio.Future[Served] | None = None
        self._loading: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so."""
        await super().startup(sockets)
        # What was said before waits in the pipe.
        asyncio.get_running_loop().add_reader(self._supervisor.fileno(), self._listen)
        self._say(Started())
        self._beating = asyncio.create_task(self._beat())

    def reload_signalled(self) -> None:
        """Let all workers reload, not this one alone."""
        self._say(AskReload())

    async def _beat(self) -> None:
        while True:
            self._say(Beat())
            await asyncio.sleep(_BEAT_SECONDS)

    async def _ask_for_reload(self) -> Served:
        if self._asked:
            raise ReloadInProgress("the models are being loaded again already")
        self._asked = asyncio.get_running_loop().create_future()
        try:
            self._say(AskReload())
            return await self._asked
        finally:
            self._asked = None

    def _say(self, message: object) -> None:
        try:
            self._supervisor.send(message)
        except OSError:
            self._end_as_an_orphan()

    def _listen(self) -> None:
        try:
            self._heed(self._supervisor.recv())
        except (EOFError, OSError):
            self._end_as_an_orphan()

    def _end_as_an_orphan(self) -> None:
        asyncio.get_running_loop().remove_reader(self._supervisor.fileno())
        # And so does every other one.
        self.alone = True
        self.drain(0)

    def _heed(self, message: object) -> None:
        match message:
            case Drain(seconds):
                self.alone = True
                self.drain(seconds)
            case Load(number):
                self._loading = asyncio.create_task(self._load(number))
            case Adopt():
                self.registry.adopt()
            case Discard():
                self.registry.discard()
            case Reloaded(outcome, busy) if self._asked and not self._asked.done():
                self._answer_who_asked(self._asked, outcome, busy=busy)

    async def _load(self, number: int) -> None:
        try:
            outcome: Served | str = await self.registry.prepare()
        except ReloadFailed as error:
            outcome = str(error)
        self._say(Loaded(number, outcome))

    def _answer_who_asked(
        self, asked: asyncio.Future[Served], outcome: Served | str, *, busy: bool
    ) -> None:
        if isinstance(outcome, Served):
            asked.set_result(outcome)
        elif busy:
            asked.set_exception(ReloadInProgress(outcome))
        else:
            asked.set_exception(ReloadFailed(outcome))
