"""The load generator: wrk, in a closed loop, with the bodies of a file in turn."""

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from benchmarks.serving.bodies import Bodies

_SCRIPT = Path(__file__).with_name("requests.lua")
_MARK = "MEASURED "
_TIMEOUT_SECONDS = 30
_MOST_THREADS = 2


class LoadFailed(Exception):
    """Wrk is not there, or said nothing that can be read."""


class Load(BaseModel):
    """What wrk saw; answers with a status of 400 or more, and connections cut or late, apart."""

    model_config = ConfigDict(frozen=True)

    requests: int
    seconds: float
    p50_ms: float
    p99_ms: float
    bad_answers: int
    socket_errors: int


def require_wrk() -> None:
    """Make sure that wrk can be called.

    Raises:
        LoadFailed: it is not installed.
    """
    if shutil.which("wrk") is None:
        raise LoadFailed("wrk is not installed; Debian, Ubuntu: apt-get install wrk")


def write_bodies(bodies: Bodies, path: Path) -> None:
    """Write `bodies` as `requests.lua` reads them."""
    with path.open("wb") as file:
        file.write(b"%d\n" % len(bodies.headers))
        for name, value in bodies.headers.items():
            file.write(f"{name}: {value}\n".encode())
        file.write(b"%d\n" % len(bodies.contents))
        for content in bodies.contents:
            file.write(b"%d\n" % len(content))
            file.write(content)


def load(url: str, bodies: Path, *, concurrency: int, seconds: int, cores: Sequence[int]) -> Load:
    """Keep `concurrency` requests under way for so many seconds, from processors `cores`.

    Raises:
        LoadFailed: wrk did not end well.
    """
    threads = min(concurrency, len(cores), _MOST_THREADS)
    command = [
        *("taskset", "-c", ",".join(map(str, cores))),
        *("wrk", f"-t{threads}", f"-c{concurrency}", f"-d{seconds}s"),
        *("--timeout", f"{_TIMEOUT_SECONDS}s", "-s", str(_SCRIPT), url, "--", str(bodies)),
    ]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if ended.returncode:
        raise LoadFailed(f"wrk: {ended.stderr.strip() or ended.stdout.strip()}")
    return parse(ended.stdout)


def parse(output: str) -> Load:
    """The figures in what wrk printed with `requests.lua`.

    Raises:
        LoadFailed: they are not there.
    """
    for line in output.splitlines():
        if line.startswith(_MARK):
            try:
                return Load.model_validate_json(line.removeprefix(_MARK))
            except ValidationError as error:
                raise LoadFailed(f"wrk printed figures that cannot be read: {line}") from error
    raise LoadFailed(f"wrk printed no figures: {output.strip()[-200:]}")
