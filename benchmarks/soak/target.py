"""The service under fire: `numeral serve` on cores of its own."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import urlsplit

import httpx
import psutil

from benchmarks.serving.process import free_ports

_WORKERS = re.compile(r"^numeral_workers (\S+)$", re.MULTILINE)
_PATIENCE_SECONDS = 120
_LOOK_SECONDS = 0.05


@dataclass(frozen=True)
class Target:
    """A service that is ready."""

    process: subprocess.Popen[bytes]
    url: str
    log_file: Path

    def workers(self) -> list[int]:
        """The processes that answer: its children, or itself if it has none."""
        found = [
            child.pid
            for child in psutil.Process(self.process.pid).children()
            if "spawn_main" in " ".join(_command(child))
        ]
        return found or [self.process.pid]

    def memory(self) -> float:
        """What its processes hold in MB (10^6 bytes), all resident sets added."""
        total = 0
        head = psutil.Process(self.process.pid)
        for process in (head, *head.children(recursive=True)):
            with suppress(psutil.Error):
                total += process.memory_info().rss
        return total / 1e6

    def connections(self) -> int:
        """How many connections its callers hold open."""
        port = urlsplit(self.url).port
        count = 0
        for pid in {self.process.pid, *self.workers()}:
            with suppress(psutil.Error):
                found = psutil.Process(pid).net_connections("tcp")
                count += sum(
                    each.laddr.port == port and each.status == psutil.CONN_ESTABLISHED
                    for each in found
                )
        return count

    def stop(self) -> int:
        """SIGTERM; its exit status."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(_PATIENCE_SECONDS)


@contextmanager
def target(
    cores: Sequence[int], *, workers: int, model: str, **settings: object
) -> Iterator[Target]:
    """Start it with its default settings, but for the log level, warning, and `settings`."""
    variables = {f"NUMERAL_{name.upper()}": str(value) for name, value in settings.items()}
    inherited = {name: it for name, it in os.environ.items() if not name.startswith("NUMERAL_")}
    [port] = free_ports(1)
    with TemporaryDirectory() as folder:
        log_file = Path(folder) / "log"
        command = (
            *("taskset", "-c", ",".join(map(str, cores)), sys.executable, "-m", "service.cli"),
            *("serve", "--port", str(port), "--workers", str(workers), "--default-model", model),
            *("--log-level", "warning"),
        )
        with log_file.open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - ours
                command, env=inherited | variables, stdout=log, stderr=log
            )
        try:
            yield _ready(process, f"http://127.0.0.1:{port}", log_file, workers)
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(_PATIENCE_SECONDS)


def _ready(process: subprocess.Popen[bytes], url: str, log_file: Path, workers: int) -> Target:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        with suppress(httpx.HTTPError):
            found = _WORKERS.search(httpx.get(f"{url}/metrics").text)
            ready = httpx.get(f"{url}/health/ready").is_success
            if ready and found and float(found[1]) == workers:
                return Target(process, url, log_file)
        time.sleep(_LOOK_SECONDS)
    process.kill()
    raise RuntimeError(f"the service did not start:\n{log_file.read_text()}")


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []
