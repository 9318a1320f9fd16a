"""The command `python -m benchmarks.robustness`: how digits are read when pictures are bad.

MNIST's test images under generated conditions, pictures that hold no digit, digits of other data
sets, and what a picture costs: all through the service's own path, bytes in, answer out.
"""

import multiprocessing
import os
import shlex
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import MofNCompleteColumn, Progress, TimeElapsedColumn

from benchmarks import measure
from benchmarks.conditions import CONDITIONS, SEVERITIES
from benchmarks.cost import measure_costs
from benchmarks.fonts import usable_fonts
from benchmarks.junk import KINDS
from benchmarks.photographs import photographs
from benchmarks.reading import Readers, Source
from benchmarks.report import markdown
from benchmarks.results import Model, Results
from models.manifest import PACKAGE_DIRECTORY
from models.mnist import TEST, DataError, load_part
from service.errors import ModelUnavailable, UnknownModel
from service.inference.catalogue import NothingToServe
from service.sizing.machine import machine

REPORT, FIGURES = "robustness.md", "robustness.json"
_MAX_ERROR = 0.001
_SEED = 1

app = typer.Typer(add_completion=False)


@app.command()
def robustness(
    data_dir: Annotated[
        Path,
        typer.Option(
            envvar="NUMERAL_DATA", help="Folder with MNIST's test files, and orand-car-a if any."
        ),
    ],
    images: Annotated[int, typer.Option(min=1, help="Test images, the first so many.")] = 1000,
    models: Annotated[
        list[str] | None, typer.Option("--models", help="A model; may be repeated. [all]")
    ] = None,
    models_dir: Annotated[
        Path, typer.Option(help="Folder with manifest.json and the ONNX files.")
    ] = PACKAGE_DIRECTORY,
    out: Annotated[Path, typer.Option(help="Where the report and its JSON go.")] = Path(
        "docs/reports"
    ),
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes; 0 stays in this one. [the cores]")
    ] = None,
    verify: Annotated[
        bool, typer.Option(help="Check the files' MD5 sums; --no-verify for digits of your own.")
    ] = True,
) -> None:
    """Measure and write a report, with every figure beside it as JSON."""
    source = Source(models_dir, tuple(models or ()), _MAX_ERROR)
    work = measure.Work(source, load_part(data_dir, TEST, verify=verify)[:images], _SEED)
    command = _command(work, data_dir, verify=verify)
    results = measure_all(work, data_dir, _cores() if workers is None else workers, command)
    out.mkdir(parents=True, exist_ok=True)
    page = markdown(results)
    (out / REPORT).write_text(page)
    (out / FIGURES).write_text(results.model_dump_json(indent=1) + "\n")
    Console().print(Markdown(page))
    print(f"written: {out / REPORT}, {out / FIGURES}")


def measure_all(work: measure.Work, data_dir: Path, workers: int, command: str) -> Results:
    """Everything that the report tells, on `workers` processes besides this one.

    Args:
        work: the digits and the models.
        data_dir: where other digits are, if any.
        workers: 0 stays in this process.
        command: what the report says it was made by.
    """
    readers = work.readers()
    with _pool(workers) as submit:
        clean = submit(measure.measure_clean, work)
        conditions = [
            submit(measure.measure_condition, work, condition.name, severity)
            for condition in CONDITIONS
            for severity in range(1, SEVERITIES + 1)
        ]
        real = submit(measure.measure_real, work, data_dir)
        digits = clean.result().answers
        junk = [submit(measure.measure_junk, work, kind, digits) for kind in KINDS]
        _show_progress([clean, *conditions, real, *junk])
    return Results(
        command=command,
        machine=machine(),
        images=len(work.digits),
        seed=work.seed,
        max_error=work.source.max_error,
        fonts=len(usable_fonts()),
        photographs=len(photographs()),
        models=_models(readers),
        clean=clean.result().result,
        clean_decisions={name: answers.decisions() for name, answers in digits.items()},
        conditions=tuple(job.result() for job in conditions),
        junk=tuple(job.result() for job in junk),
        real=real.result(),
        costs=measure_costs(readers, work.digits.images),
    )


def main() -> None:
    """Run the command; an expected error becomes one line and exit status 1."""
    try:
        app()
    except (DataError, NothingToServe, UnknownModel, ModelUnavailable) as error:
        sys.exit(f"error: {error}")


def _models(readers: Readers) -> tuple[Model, ...]:
    return tuple(
        Model(
            name=name,
            version=pipeline.classifier.card.version,
            threshold=pipeline.criteria.threshold,
        )
        for name, pipeline in readers.pipelines.items()
    )


def _command(work: measure.Work, data_dir: Path, *, verify: bool) -> str:
    source = work.source
    options = ["--data-dir", str(data_dir), "--images", str(len(work.digits))]
    if source.models_dir != PACKAGE_DIRECTORY:
        options += ["--models-dir", str(source.models_dir)]
    for name in source.names:
        options += ["--models", name]
    if not verify:
        options.append("--no-verify")
    return shlex.join(["python", "-m", "benchmarks.robustness", *options])


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def _pool(workers: int) -> Iterator[Callable[..., Future[Any]]]:
    if not workers:
        yield _call_here
        return
    # ONNX Runtime's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, measure.use_one_thread) as pool:
        yield pool.submit


def _call_here(function: Callable[..., Any], *arguments: object) -> Future[Any]:
    done: Future[Any] = Future()
    done.set_result(function(*arguments))
    return done


def _show_progress(jobs: list[Future[Any]]) -> None:
    columns = (*Progress.get_default_columns()[:-1], MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("conditions, junk, real digits", total=len(jobs))
        for job in jobs:
            job.result()
            progress.advance(task)


if __name__ == "__main__":
    main()
