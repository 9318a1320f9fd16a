"""Worker processes under uvicorn's supervisor: watched, replaced, reloaded and stopped together."""

import contextlib
import logging
import os
import signal
import socket
import time
from collections.abc import Iterator
from enum import Enum, auto
from typing import Any, cast

from uvicorn import Config
from uvicorn.config import STARTUP_FAILURE
from uvicorn.supervisors.multiprocess import SIGNALS, Multiprocess, Process

from service.auth.api_keys import ApiKeys
from service.errors import ReloadFailed, ReloadInProgress
from service.logs import configure_logging
from service.server.system import Terminal, signals_blocked
from service.settings import Settings

_log = logging.getLogger(__name__)

_HANDLED = {number for number, name in SIGNALS.items() if name in ("INT", "TERM", "HUP")}

# To import everything and to load the models on a busy machine.
_STARTUP_SECONDS = 120.0

# A worker that ends sooner has failed to start.
_EARLY_SECONDS = 10.0
_MAX_EARLY_EXITS = 5
_MAX_PAUSE_SECONDS = 4.0

# What a worker may take to stop beside the times in the settings.
_STOP_SECONDS = 5.0

# The supervisor looks after its workers twice a second.
_STANDSTILL_SECONDS = 5.0


class Message(Enum):
    """What a worker and its supervisor tell each other."""

    RUNNING = auto()  # from a worker, once a second
    STOP = auto()  # to a worker, with the seconds to drain
    RELOAD = auto()  # to a worker: ask for a reload everywhere; from it: it asks, and waits
    RELOAD_HERE = auto()  # to that worker, and then to the others
    # From each, with a reason or None; to the first with their number or an error.
    RELOADED = auto()


class Worker(Process):
    """A worker process that reports by itself that it runs.

    uvicorn's answers pings from a thread, which goes on while the event loop hangs; and a ping that
    is not answered within seconds ends a worker that is still importing.
    """

    def __init__(
        self, config: Config, listener: socket.socket, settings: Settings, api_keys: ApiKeys
    ) -> None:
        super().__init__(config, [listener])
        # It ends with a supervisor that fails.
        self.process.daemon = True
        self._settings = settings
        self._api_keys = api_keys
        self.started = False
        self.early_exits = 0
        self.restart_at: float | None = None
        self.began = self.heard = time.monotonic()

    def start(self) -> None:
        """Start the process; block signals until it can handle them."""
        with signals_blocked(_HANDLED):
            super().start()
        self.child_conn.close()

    def target(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve in the new process."""
        for number in _HANDLED - {signal.SIGTERM}:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _HANDLED)
        # With the supervisor's own copy, the end of the supervisor closes the pipe.
        self.parent_conn.close()
        configure_logging(self._settings.log_format, self._settings.log_level)

        # The supervisor does without the web framework and ONNX Runtime.
        from service.server.draining import WorkerServer

        WorkerServer(self._settings, self._api_keys, self.child_conn).run(sockets)

    def is_alive(self, timeout: float = 0) -> bool:
        """Whether the process runs and has reported recently."""
        timeout = self._settings.worker_timeout if self.started else _STARTUP_SECONDS
        if self.process.is_alive() and time.monotonic() - self.heard > timeout:
            _log.error("worker %d gives no sign of life and is killed", self.pid)
            self.process.kill()
            self.process.join()
        return self.process.is_alive()

    def messages(self) -> Iterator[tuple[Message, Any]]:
        """Receive what it has sent."""
        with contextlib.suppress(EOFError, OSError):
            while self.parent_conn.poll():
                message = self.parent_conn.recv()
                self.heard = time.monotonic()
                yield message

    def send(self, message: Message, value: object = None) -> None:
        """Tell it something, if it still runs."""
        with contextlib.suppress(OSError):
            self.parent_conn.send((message, value))


class Supervisor(Multiprocess):
    """uvicorn's supervisor for workers that each have a listener, drain, and reload in place.

    A worker that ends is replaced, after a pause if it ended early; uvicorn would start it again
    and again without one. SIGHUP reloads the models; uvicorn would replace the workers, which cuts
    off streams. The supervisor keeps the listeners open for the workers' successors.
    """

    def __init__(
        self, settings: Settings, api_keys: ApiKeys, listeners: list[socket.socket]
    ) -> None:
        self._terminal = Terminal()
        super().__init__(Config("", workers=len(listeners), log_config=None), listeners)
        for number in SIGNALS.keys() - _HANDLED:
            signal.signal(number, signal.SIG_DFL)
        self._settings = settings
        self._api_keys = api_keys
        self._drain_seconds = settings.drain_seconds
        # Of a reload: the worker that asked for it, and those that have not finished it.
        self._leader: Worker | None = None
        self._reloading: set[Worker] = set()
        self._failures: list[str] = []
        self._last_check = time.monotonic()
        self.status = 0  # of `numeral serve`

    @property
    def _workers(self) -> list[Worker]:
        return cast(list[Worker], self.processes)

    def init_processes(self) -> None:
        """Start a worker for each listener."""
        self.processes.extend(map(self._start, self.sockets))

    def _start(self, listener: socket.socket, early_exits: int = 0) -> Worker:
        worker = Worker(self.config, listener, self._settings, self._api_keys)
        worker.early_exits = early_exits
        worker.start()
        return worker

    def keep_subprocess_alive(self) -> None:
        """Receive what the workers report, and replace those that have ended."""
        now, before = time.monotonic(), self._last_check
        self._last_check = now
        for index, worker in enumerate(self._workers):
            for message, value in worker.messages():
                self._handle(worker, message, value)
            if now - before > _STANDSTILL_SECONDS:
                # The machine stood still: the worker had no time to report.
                worker.heard = now
            if worker.is_alive() or self.should_exit.is_set():
                continue
            if worker.restart_at is None:
                self._note_end(worker)
            elif now >= worker.restart_at:
                self.processes[index] = self._start(self.sockets[index], worker.early_exits)

    def _note_end(self, worker: Worker) -> None:
        worker.join()
        early = time.monotonic() - worker.began < _EARLY_SECONDS
        worker.early_exits = worker.early_exits + 1 if early else 0
        code = worker.exitcode or 0
        self._finish_reload(worker)
        how = f"ended with status {code}" if code >= 0 else f"was ended by signal {-code}"
        serving = any(each.started and each.process.is_alive() for each in self._workers)
        if not serving and (worker.early_exits >= _MAX_EARLY_EXITS or code == STARTUP_FAILURE):
            _log.error("worker %d %s; no worker comes up, so the service ends", worker.pid, how)
            self.status = 1
            self.should_exit.set()
            return
        pause = 0.0
        if worker.early_exits > 1:
            pause = min(2.0 ** (worker.early_exits - 3), _MAX_PAUSE_SECONDS)
        worker.restart_at = time.monotonic() + pause
        _log.error("worker %d %s; another one starts in %g s", worker.pid, how, pause)

    def _handle(self, worker: Worker, message: Message, value: Any) -> None:  # noqa: ANN401
        if not worker.started:
            worker.started = True
            _log.info("worker %d serves", worker.pid)
        if message is Message.RELOAD:
            self._begin_reload(worker)
        elif message is Message.RELOADED:
            self._finish_reload(worker, value)

    def _begin_reload(self, leader: Worker) -> None:
        if self._leader:
            what = "another worker reloads the models; retry when it has finished"
            leader.send(Message.RELOADED, ReloadInProgress(what))
            return
        self._leader, self._failures = leader, []
        self._reload_in({leader})

    def _reload_in(self, workers: set[Worker]) -> None:
        self._reloading = {each for each in workers if each.process.is_alive()}
        for worker in self._reloading:
            worker.send(Message.RELOAD_HERE)

    def _finish_reload(self, worker: Worker, failure: str | None = None) -> None:
        leader = self._leader
        if leader is None or worker not in self._reloading:
            return
        self._reloading.remove(worker)
        if worker is leader:
            if failure or not worker.process.is_alive():
                # Nothing has changed.
                self._leader = None
                leader.send(Message.RELOADED, ReloadFailed(failure))
                return
            self._reload_in({*self._workers} - {leader})
        elif failure:
            self._failures.append(failure)
        if self._reloading:
            return
        self._leader = None
        if self._failures:
            what = f"workers may serve different models, reload again: {self._failures[0]}"
            leader.send(Message.RELOADED, ReloadFailed(what))
        else:
            _log.info("reloaded in %d workers", len(self._workers))
            leader.send(Message.RELOADED, len(self._workers))

    def handle_hup(self) -> None:
        """Let a worker reload the models, and all others after it."""
        if self._terminal.is_closed:
            self._stop(signal.SIGHUP, 0)
        else:
            # One that is starting receives it then.
            running = [each for each in self._workers if each.process.is_alive()]
            for worker in sorted(running, key=lambda each: not each.started)[:1]:
                worker.send(Message.RELOAD)

    def handle_int(self) -> None:
        """Stop; a person who presses Ctrl-C does not want to wait."""
        self._stop(signal.SIGINT, 0)

    def handle_term(self) -> None:
        """Stop, after the time to drain."""
        self._stop(signal.SIGTERM, self._settings.drain_seconds)

    def _stop(self, number: signal.Signals, seconds: float) -> None:
        if self.should_exit.is_set():
            _log.warning("second signal: the service ends at once")
            for worker in self._workers:
                worker.process.kill()
            # The signal itself has no effect on the first process of a container.
            os._exit(128 + number)
        _log.info("%s: draining for %g s", number.name, seconds)
        self._drain_seconds = seconds
        self.should_exit.set()

    def terminate_all(self) -> None:
        """Tell every worker to stop."""
        # Each listener is closed once its worker has closed it too.
        for listener in self.sockets:
            listener.close()
        for worker in self._workers:
            worker.send(Message.STOP, self._drain_seconds)
            if not worker.started:
                worker.process.terminate()

    def join_all(self) -> None:
        """Wait until every worker has stopped; kill those that do not."""
        seconds = self._drain_seconds + self._settings.request_timeout + _STOP_SECONDS
        deadline = time.monotonic() + seconds
        while running := [each for each in self._workers if each.process.is_alive()]:
            self.handle_signals()
            time.sleep(0.05)
            if time.monotonic() > deadline:
                self.status = 1
                for worker in running:
                    _log.error("worker %d does not stop and is killed", worker.pid)
                    worker.process.kill()
                    worker.process.join()
        _log.info("stopped")
