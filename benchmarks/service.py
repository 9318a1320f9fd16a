"""A service to be measured, in a process and on a core of its own."""

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

_LISTENS = re.compile(r"listens on (http://\S+),[\s\S]+ready after")
_PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Service:
    """A service that is ready."""

    url: str
    pid: int

    def memory(self) -> float:
        """Its resident set in MB (10^6 bytes)."""
        return self._status("VmRSS")

    def peak_memory(self) -> float:
        """The largest that its resident set has been since `forget_peak`, in MB."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        """Let the peak begin anew (Linux)."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def _status(self, name: str) -> float:
        status = Path(f"/proc/{self.pid}/status").read_text()
        found = re.search(rf"{name}:\s+(\d+) kB", status)
        return int(found[1]) * 1024 / 1e6 if found else float("nan")


@contextmanager
def running_service(core: int) -> Iterator[Service]:
    """`numeral serve` on one core; the caller goes on on the others, if there are any."""
    mine = os.sched_getaffinity(0)
    with TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        # A child keeps the cores that its parent had when it was made.
        os.sched_setaffinity(0, {core})
        with log.open("wb") as file:
            command = (sys.executable, "-m", "service.cli", "serve", "--port", "0")
            process = subprocess.Popen(command, stdout=file, stderr=file)  # noqa: S603 (ours)
        os.sched_setaffinity(0, mine - {core} or mine)
        try:
            yield Service(_url(process, log), process.pid)
        finally:
            process.terminate()
            process.wait(_PATIENCE_SECONDS)
            os.sched_setaffinity(0, mine)


def _url(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        if found := _LISTENS.search(log.read_text()):
            return found[1]
        time.sleep(0.05)
    raise RuntimeError(f"the service did not start:\n{log.read_text()}")
