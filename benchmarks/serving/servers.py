"""Servers to measure: started by a command, pinned to cores, with their CPU time and memory."""

import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Set
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import psutil

NUMERAL = (
    "{python} -m service.cli serve --port {port} --workers {workers} --default-model {model}"
    " --log-level warning"
)
TUTORIAL = (
    "MODEL=models/{model}.onnx {python} -m uvicorn benchmarks.serving.tutorial:app --port {port}"
    " --log-level warning"
)
_TIMEOUT_SECONDS = 120
_POLL_SECONDS = 0.02


class ServerFailed(Exception):
    """A server did not start; the message has the end of its log."""


@dataclass(frozen=True)
class Server:
    """A server that is ready, with the seconds that its start took."""

    name: str
    process: subprocess.Popen[bytes]
    url: str
    start_seconds: float

    def processes(self) -> list[psutil.Process]:
        """Return the server's process and all that it has started, but for zombies."""
        with suppress(psutil.NoSuchProcess):
            root = psutil.Process(self.process.pid)
            found = [root, *root.children(recursive=True)]
            return [each for each in found if each.status() != psutil.STATUS_ZOMBIE]
        return []

    def cpu_seconds(self) -> float:
        """Return the CPU time of all processes, with that of children that have ended."""
        # User and system time, and both of ended children.
        return sum(sum(process.cpu_times()[:4]) for process in self.processes())

    def memory_mb(self) -> float:
        """Return the resident memory of all processes in MB (10^6 bytes)."""
        return sum(process.memory_info().rss for process in self.processes()) / 1e6

    def stop(self) -> int:
        """Send SIGTERM and return the exit status."""
        self.process.terminate()
        return self.process.wait(_TIMEOUT_SECONDS)


@contextmanager
def running(
    name: str, command: str, cores: Set[int], *, model: str, workers: int = 1
) -> Iterator[Server]:
    """Start a server on `cores` and stop it in the end.

    Args:
        name: what reports call it.
        command: arguments of `env`, so that variables and `-C DIRECTORY` may come first; {port},
            {python}, {model} and {workers} are filled in.
        cores: processors that it may use.
        model: name of the model.
        workers: number of worker processes.

    Raises:
        ServerFailed: it ends, or does not answer in time.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    python = shlex.quote(sys.executable)
    line = command.format(port=port, python=python, model=model, workers=workers)
    usable = os.sched_getaffinity(0)
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        started = time.perf_counter()
        os.sched_setaffinity(0, cores)  # the child inherits it
        with log.open("wb") as file:
            arguments = ["env", *shlex.split(line)]
            process = subprocess.Popen(arguments, stdout=file, stderr=file)  # noqa: S603
        os.sched_setaffinity(0, usable)
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_until_ready(process, url, log)
            yield Server(name, process, url, time.perf_counter() - started)
        finally:
            process.terminate()
            process.wait(_TIMEOUT_SECONDS)


def _wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(httpx.HTTPError):
            # Other servers may lack this path: any answer but 503 will do.
            status = httpx.get(f"{url}/health/ready", timeout=5).status_code
            if status != httpx.codes.SERVICE_UNAVAILABLE:
                return
        time.sleep(_POLL_SECONDS)
    process.kill()
    raise ServerFailed(f"no answer from {url}:\n{log.read_text()[-2000:]}")
