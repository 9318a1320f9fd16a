"""`numeral serve` in a process of its own, on a free port."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from service.settings import ENVIRONMENT_PREFIX

COMMAND = (sys.executable, "-m", "service.cli")
PATIENCE_SECONDS = 60.0

# Ray takes ten seconds and more to start, on a machine that is busy a minute and more.
_START_SECONDS = 240.0

_ROOT = Path(__file__).parents[2]

# One process that ends as soon as it can: what most tests want.
_DEFAULTS = {"workers": 1, "drain_seconds": 0}

_LISTENS = re.compile(r"listens on (http://\S+),")


@dataclass(frozen=True)
class RunningService:
    """A service that listens, ready or not."""

    process: subprocess.Popen[bytes]
    log_file: Path
    url: str

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def stop(self) -> int:
        """Stop it and return its exit status."""
        self.process.terminate()
        return self.process.wait(PATIENCE_SECONDS)

    def wait_until_ready(self) -> None:
        # Frequent requests would slow down the loading of the models.
        self.wait_for(lambda: httpx.get(f"{self.url}/health/ready").status_code == 200, pause=0.1)

    def wait_until_all_serve(self, workers: int) -> None:
        """Wait until `workers` processes have started, replaced ones included."""
        self.wait_for(lambda: self.log.count(" serves") == workers)

    def worker_ids(self) -> list[int]:
        """The ids of its workers' processes."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return [
            int(child)
            for child in children
            if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()
        ]

    def wait_for(self, condition, pause: float = 0.02) -> None:
        wait_for(condition, lambda: f"the service's log:\n{self.log}", pause=pause)


def wait_for(
    condition, explanation=lambda: "", seconds: float = PATIENCE_SECONDS, pause: float = 0.02
) -> None:
    """Look again and again until `condition()` holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain; {explanation()}"
        time.sleep(pause)


@contextmanager
def run_service(
    folder: Path,
    *options: str,
    own_group: bool = False,
    cwd: Path | None = None,
    **settings: object,
) -> Iterator[RunningService]:
    """Start `numeral serve`, its log in `folder`, and stop it in the end.

    Args:
        folder: where the log is written.
        options: its command-line options.
        cwd: its working directory.
        own_group: whether it is the head of a process group, so that a signal reaches all of it.
        settings: its settings, passed on in the environment.
    """
    settings = _DEFAULTS | settings
    # Ray Serve begins with the fewest.
    settings.setdefault("min_workers", settings["workers"])
    variables = {ENVIRONMENT_PREFIX + name.upper(): str(value) for name, value in settings.items()}
    log_file = folder / "service.log"
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [*COMMAND, "serve", "--port", "0", *options],
            stdout=log,
            stderr=log,
            # Elsewhere it would not find a service that is not installed.
            env=os.environ | variables | ({"PYTHONPATH": str(_ROOT)} if cwd else {}),
            process_group=0 if own_group else None,
            cwd=cwd,
        )
    try:
        url = _url(process, log_file)
        yield RunningService(process, log_file, url)
    finally:
        # It drains for no time then, and one that drains already ends at once.
        process.send_signal(signal.SIGINT)
        process.wait(PATIENCE_SECONDS)


def _url(process: subprocess.Popen[bytes], log_file: Path) -> str:
    found: list[str] = []

    def listens() -> bool:
        assert process.poll() is None, log_file.read_text()
        found.extend(_LISTENS.findall(log_file.read_text()))
        return bool(found)

    wait_for(listens, log_file.read_text, _START_SECONDS)
    return found[0]
