"""One engine with so many workers: how fast, and in how much memory."""

import contextlib
import subprocess
import sys
import time
from pathlib import Path

import psutil

from benchmarks.scaling.memory import Memory, family, memory
from benchmarks.scaling.results import Engine, Speed

_LOOK_SECONDS = 1.0


def command(source: Path, out: Path, model: str, *options: object) -> list[str]:
    """`numeral score` as a shell would start it."""
    command = [sys.executable, "-m", "service.cli", "score", source, "--out", out]
    return [*map(str, command), "--model", model, "--overwrite", *map(str, options)]


def measure(engine: Engine, workers: int, source: Path, pictures: int, model: str) -> Speed:
    """Read all `pictures` in `source`, and the one beside it that is named one.png."""
    options = ("--engine", engine, "--workers", workers)
    out = table_of(engine, source)
    start, _ = _run(command(source.with_name("one.png"), out, model, *options))
    seconds, peak = _run(command(source, out, model, *options))
    return Speed(
        engine=engine,
        workers=workers,
        seconds=seconds,
        pictures_per_second=pictures / seconds,
        start_seconds=start,
        memory_mb=peak.everything,
        workers_mb=peak.workers,
    )


def table_of(engine: Engine, source: Path) -> Path:
    """Where the rows of the pictures in `source` are."""
    return source.with_name("local.parquet" if engine == "local" else "ray")


def _run(command: list[str]) -> tuple[float, Memory]:
    peak = Memory()
    began = time.perf_counter()
    with subprocess.Popen(command, stderr=subprocess.PIPE) as running:  # noqa: S603
        process = psutil.Process(running.pid)
        while running.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                running.wait(_LOOK_SECONDS)
            peak = max(peak, memory(family(process)), key=lambda held: held.everything)
        seconds = time.perf_counter() - began
        told = running.stderr.read().decode() if running.stderr else ""
    if running.returncode:
        raise RuntimeError(f"numeral score ended with status {running.returncode}: {told}")
    return seconds, peak
