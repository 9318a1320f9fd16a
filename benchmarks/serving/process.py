"""A server as a process, or several, on processors of its own: started, measured, stopped."""

import os
import socket
import subprocess
import sysconfig
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx

from benchmarks.serving import family
from benchmarks.serving.results import Memory

_START_SECONDS = 120
_STOP_SECONDS = 20
_POLL_SECONDS = 0.1


class ServerFailed(Exception):
    """A server does not start."""


@dataclass(frozen=True)
class Place:
    """What the placeholders in a command stand for."""

    python: str
    model: str
    port: int
    second_port: int
    third_port: int
    libraries: str = sysconfig.get_config_var("LIBDIR") or ""  # where libpython is


@dataclass(frozen=True)
class Server:
    """A running server."""

    url: str
    mark: str
    cores: tuple[int, ...]

    def memory(self) -> Memory:
        """What all its processes hold."""
        return family.memory(self.mark)

    def cpu_seconds(self) -> float:
        """Processor time that all its processes have used."""
        return family.cpu_seconds(self.mark)

    def strays(self) -> int:
        """How many of its threads may run on processors that it was not given."""
        return family.strays(self.mark, self.cores)


def free_ports(count: int) -> list[int]:
    """Ports that nothing listens on."""
    with ExitStack() as stack:
        sockets = [
            stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)
        ]
        return [listener.getsockname()[1] for listener in sockets]


@contextmanager
def running(
    command: Sequence[str],
    *,
    place: Place,
    environment: Mapping[str, str],
    directory: Path,
    ready: str,
    cores: Sequence[int],
) -> Iterator[Server]:
    """Start a server and wait until it is ready; stop it and all that it started at the end.

    Raises:
        ServerFailed: it ended, or was not ready in time; with the last line that it wrote.
    """
    mark = uuid.uuid4().hex
    with tempfile.TemporaryDirectory(prefix="nb", ignore_cleanup_errors=True) as scratch:
        names = asdict(place) | {"bin": str(Path(place.python).parent), "scratch": scratch}
        arguments = [part.format(**names) for part in command]
        log = Path(scratch) / "log"
        set_up = {name: value.format(**names) for name, value in environment.items()}
        # MLServer, Ray and Triton leave files behind where TMPDIR is.
        own = {family.MARK: mark, "TMPDIR": scratch, "RAY_TMPDIR": scratch, "PORT": str(place.port)}
        with log.open("wb") as output:
            process = subprocess.Popen(  # noqa: S603
                ["taskset", "-c", ",".join(map(str, cores)), *arguments],  # noqa: S607
                cwd=directory,
                env=_inherited() | own | set_up,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            server = Server(f"http://127.0.0.1:{place.port}", mark, tuple(cores))
            _wait(process, server.url + ready, log)
            yield server
        finally:
            _stop(process, mark)


def _inherited() -> dict[str, str]:
    # A variable of the service's would be a setting that the page does not tell of.
    left_out = ("NUMERAL_", "PYTHON", "VIRTUAL_ENV", "OMP_")
    return {name: value for name, value in os.environ.items() if not name.startswith(left_out)}


def _wait(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    last = time.monotonic() + _START_SECONDS
    while time.monotonic() < last:
        if process.poll() is not None:
            raise ServerFailed(f"ended with status {process.returncode}: {_last_line(log)}")
        try:
            if httpx.get(url, timeout=5).is_success:
                return
        except httpx.HTTPError:
            pass
        time.sleep(_POLL_SECONDS)
    raise ServerFailed(f"not ready after {_START_SECONDS} s: {_last_line(log)}")


def _last_line(log: Path) -> str:
    lines = [line.strip(" │╭╮╰╯─") for line in log.read_text(errors="replace").splitlines()]
    said = [line for line in lines if any(map(str.isalpha, line))]
    return said[-1][:200] if said else "it wrote nothing"


def _stop(process: subprocess.Popen[bytes], mark: str) -> None:
    process.terminate()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    family.end(mark, _STOP_SECONDS)
