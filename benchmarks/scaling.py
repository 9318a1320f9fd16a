"""The command `python -m benchmarks.scaling`: bulk scoring with more workers, local and by Ray."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Annotated
from zipfile import ZIP_STORED, ZipFile

import typer

from benchmarks import pictures
from benchmarks.reports import PUBLISHED, Out, Record, Report, header, progress, row, write

_ENGINES = ("local", "ray")
_DRAWN = 5_000
_PER_ARCHIVE = 10_000

_METHOD = """# Bulk scoring on more cores

Made by

    {results.command}

on {results.machine}. `numeral score` reads {results.images:,} PNG files of 28x28 pixels in ZIP
archives with `{results.model}`. Times are those of the whole command with its start. *Speed-up*
compares with one worker of the same engine.
"""

app = typer.Typer(add_completion=False)


class Speed(Record):
    """One engine with a number of workers; the time is that of the whole command."""

    engine: str
    workers: int
    seconds: float


class Results(Report):
    """All figures of one run."""

    model: str
    images: int
    speeds: tuple[Speed, ...]


@app.command()
def scaling(
    images: Annotated[int, typer.Option(min=1, help="Number of pictures.")] = 100_000,
    model: Annotated[str, typer.Option(help="Model that reads them.")] = "resnet",
    out: Out = PUBLISHED,
) -> None:
    """Time `numeral score` with 1, 2, 4, ... workers, locally and by Ray; write a report."""
    cores = len(os.sched_getaffinity(0))
    runs = [(engine, n) for engine in _ENGINES for n in (1, 2, 4, 8, 16, 32) if n <= cores]
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "pictures"
        write_archives(source, images)
        speeds = tuple(
            measure(source, engine, workers, model) for engine, workers in progress(runs, "runs")
        )
    results = Results(model=model, images=images, speeds=speeds)
    write(out, "scaling", markdown(results), results)


def markdown(results: Results) -> Iterator[str]:
    """Yield the lines of the page."""
    yield _METHOD.format(results=results)
    yield from header("engine", "workers", "seconds", "pictures/s", "speed-up")
    for each in results.speeds:
        alone = next(one for one in results.speeds if (one.engine, one.workers) == (each.engine, 1))
        rate, speed_up = results.images / each.seconds, alone.seconds / each.seconds
        cells = f"{each.seconds:.1f}", f"{rate:,.0f}", f"{speed_up:.2f}"
        yield row(f"`{each.engine}`", each.workers, *cells)


def measure(source: Path, engine: str, workers: int, model: str) -> Speed:
    """Run `numeral score` on `source`."""
    table = source.with_name(f"{engine}.parquet") if engine == "local" else source.with_name(engine)
    options = ("--engine", engine, "--workers", str(workers), "--model", model, "--overwrite")
    scored = [sys.executable, "-m", "service.cli", "score", str(source), "--out", str(table)]
    started = time.perf_counter()
    subprocess.run([*scored, *options], stderr=subprocess.DEVNULL, check=True)  # noqa: S603
    return Speed(engine=engine, workers=workers, seconds=time.perf_counter() - started)


def write_archives(folder: Path, count: int) -> None:
    """Write `count` PNG files into ZIP archives in `folder`, each under a name of its own."""
    folder.mkdir()
    drawn = cycle(pictures.small_drawings(min(count, _DRAWN)))
    for start in range(0, count, _PER_ARCHIVE):
        numbers = range(start, min(start + _PER_ARCHIVE, count))
        with ZipFile(folder / f"{start:09}.zip", "w", ZIP_STORED) as archive:
            for number, picture in zip(numbers, islice(drawn, len(numbers)), strict=True):
                archive.writestr(f"{number:09}.png", picture)


if __name__ == "__main__":
    app()
