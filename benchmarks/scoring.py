"""The command `python -m benchmarks.scoring`: how fast `numeral score` is beside what it could be.

Pictures are drawn into a temporary folder. The ceiling is the pipeline in a loop, its files in
memory, on one core and in a process on each core; threads share one process, one pipeline and the
same tasks.
"""

import multiprocessing
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Annotated

import typer
from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import track

from benchmarks.tables import header, row
from models.manifest import PACKAGE_DIRECTORY
from service.inference.catalogue import load_catalogue
from service.inference.sessions import LARGEST_MICRO_BATCH
from service.pipeline import Pipeline, Wish, choose_pipeline
from service.scoring.digits import Digits
from service.scoring.formats import JsonLines
from service.scoring.pieces import tasks_of
from service.scoring.scorer import Job, Scorer
from service.scoring.sources import list_pieces
from service.settings import Settings
from service.sizing.machine import machine
from service.sizing.pictures import draw_digits
from service.version import version

FIGURES = "scoring.json"
_MODELS = ("lenet5", "resnet")
_SIDE = 28
_SETTINGS = Settings()

app = typer.Typer(add_completion=False)


class Result(BaseModel):
    """How one way of reading did; medians of the rounds."""

    model_config = ConfigDict(frozen=True)

    model: str
    way: str
    processes: int
    seconds: float
    pictures_per_second: float
    rounds: tuple[float, ...]


class Results(BaseModel):
    """Everything that one run found."""

    model_config = ConfigDict(frozen=True)

    command: str
    machine: str
    version: str
    pictures: int
    side: int
    results: tuple[Result, ...]


@app.command()
def scoring(
    pictures: Annotated[int, typer.Option(min=64, help="How many are read.")] = 10_000,
    rounds: Annotated[int, typer.Option(min=1, help="How often each way has its turn.")] = 3,
    out: Annotated[Path, typer.Option(help="Where the JSON goes.")] = Path("docs/reports"),
) -> None:
    """Time `numeral score` beside the pipeline in a loop."""
    cores = os.cpu_count() or 1
    console = Console()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "pictures"
        folder.mkdir()
        files = draw_digits(pictures, _SIDE)
        for number, file in enumerate(files):
            (folder / f"{number:06}.png").write_bytes(file)
        seconds: dict[tuple[str, str, int], list[float]] = {}
        for _ in track(range(rounds), "measuring", console=console):
            for model in _MODELS:
                for way, processes, run in _ways(model, files, folder, cores):
                    seconds.setdefault((model, way, processes), []).append(run())
    results = Results(
        command=shlex.join(["python", "-m", "benchmarks.scoring", *sys.argv[1:]]),
        machine=machine(),
        version=version(),
        pictures=pictures,
        side=_SIDE,
        results=tuple(_result(*way, pictures, taken) for way, taken in seconds.items()),
    )
    (out / FIGURES).write_text(results.model_dump_json(indent=2) + "\n")
    console.print(Markdown("\n".join(table(results.results))))


def table(results: Sequence[Result]) -> Iterator[str]:
    """The figures as Markdown."""
    yield from header("model", "way", "processes", "seconds", "pictures/s")
    for result in results:
        yield row(
            f"`{result.model}`",
            result.way,
            f"{result.processes}",
            f"{result.seconds:.2f}",
            f"{result.pictures_per_second:,.0f}",
        )


def _ways(
    model: str, files: Sequence[bytes], folder: Path, cores: int
) -> Iterator[tuple[str, int, Callable[[], float]]]:
    for count in dict.fromkeys((1, cores)):
        yield (
            "ceiling: a loop, files in memory",
            count,
            lambda count=count: _looped(model, files, count),
        )
    yield f"{cores} threads, files on disk", 1, lambda: _threaded(model, folder, cores)
    for suffix in ("jsonl", "csv", "parquet"):
        for count in dict.fromkeys((1, 2, cores)) if suffix == "jsonl" else (cores,):
            yield (
                f"`numeral score`, {suffix}",
                count,
                lambda suffix=suffix, count=count: _command(model, folder, suffix, count),
            )


def _command(model: str, folder: Path, suffix: str, workers: int) -> float:
    # All of it: the interpreter's start, the models', the list, the rows, the joined file.
    out = folder.parent / f"all.{suffix}"
    command = [sys.executable, "-m", "service.cli", "score", str(folder), "--out", str(out)]
    command += ["--overwrite", "--model", model, "--workers", str(workers)]
    began = time.perf_counter()
    subprocess.run(command, check=True, stderr=subprocess.DEVNULL)  # noqa: S603
    return time.perf_counter() - began


def _threaded(model: str, folder: Path, threads: int) -> float:
    scorer = Scorer(Job(_digits(model), JsonLines(), _SETTINGS.max_body_bytes))
    tasks = list(tasks_of(list_pieces([str(folder)]), Digits.task_size))
    began = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(scorer, tasks):
            pass
    return time.perf_counter() - began


def _looped(model: str, files: Sequence[bytes], processes: int) -> float:
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(processes + 1)
    shares = [files[number::processes] for number in range(processes)]
    loops = [spawn.Process(target=_loop, args=(_digits(model), share, barrier)) for share in shares]
    for loop in loops:
        loop.start()
    barrier.wait()
    began = time.perf_counter()
    barrier.wait()
    taken = time.perf_counter() - began
    for loop in loops:
        loop.join()
    return taken


def _loop(digits: Digits, files: Sequence[bytes], barrier: Barrier) -> None:
    pipeline = digits.open()
    pipeline.read(files[:LARGEST_MICRO_BATCH])
    barrier.wait()
    for start in range(0, len(files), LARGEST_MICRO_BATCH):
        pipeline.read(files[start : start + LARGEST_MICRO_BATCH])
    barrier.wait()


def _digits(model: str) -> Digits:
    catalogue = load_catalogue(PACKAGE_DIRECTORY)
    limits = {"max_error": _SETTINGS.max_error, "max_pixels": _SETTINGS.max_pixels}
    pipeline: Pipeline = choose_pipeline(catalogue, Wish(model), **limits)
    card, criteria = pipeline.classifier.card, pipeline.criteria
    return Digits(PACKAGE_DIRECTORY, card, criteria, pipeline.preprocess, pipeline.max_pixels)


def _result(model: str, way: str, processes: int, pictures: int, taken: Sequence[float]) -> Result:
    seconds = statistics.median(taken)
    return Result(
        model=model,
        way=way,
        processes=processes,
        seconds=seconds,
        pictures_per_second=pictures / seconds,
        rounds=tuple(taken),
    )


if __name__ == "__main__":
    app()
