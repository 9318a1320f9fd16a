"""The command `python -m benchmarks.robustness`: how digits are read from bad pictures."""

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import track

from benchmarks.reports import Split, command, machine, write
from benchmarks.robustness import measure
from benchmarks.robustness.conditions import CONDITIONS, SEVERITIES
from benchmarks.robustness.junk import KINDS
from benchmarks.robustness.readers import Source
from benchmarks.robustness.report import markdown
from benchmarks.robustness.results import Model, Results
from benchmarks.robustness.sources import photographs, usable_fonts
from models.manifest import PACKAGE_DIRECTORY
from models.mnist import DataError
from service.errors import ModelUnavailable, UnknownModel
from service.inference.catalogue import NothingToServe

_MAX_ERROR = 0.001
_SEED = 1

app = typer.Typer(add_completion=False)


@app.command()
def robustness(
    data_dir: Annotated[
        Path,
        typer.Option(envvar="NUMERAL_DATA", help="Folder with MNIST's files, and orand-car-a."),
    ],
    split: Annotated[
        Split, typer.Option(help="Digits to read: train while developing, test to publish.")
    ] = Split.TEST,
    images: Annotated[int, typer.Option(min=1, help="Number of digits.")] = 1000,
    models: Annotated[
        list[str] | None, typer.Option("--models", help="Model; repeatable. [default: all]")
    ] = None,
    models_dir: Annotated[
        Path, typer.Option(help="Folder with manifest.json and the ONNX files.")
    ] = PACKAGE_DIRECTORY,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the report. [default: by the split]")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes; 0 uses this one. [default: all cores]")
    ] = None,
    verify: Annotated[
        bool, typer.Option(help="Check MD5 sums; --no-verify for digits of your own.")
    ] = True,
) -> None:
    """Read digits under 29 conditions, junk, and digits of other data sets; write a report."""
    source = Source(models_dir, tuple(models or ()), _MAX_ERROR)
    work = measure.Work(source, split.load(data_dir, verify=verify)[:images], _SEED)
    readers = work.readers()
    with _pool(len(os.sched_getaffinity(0)) if workers is None else workers) as submit:
        clean = submit(measure.measure_clean, work)
        conditions = [
            submit(measure.measure_condition, work, condition.name, severity)
            for condition in CONDITIONS
            for severity in range(1, SEVERITIES + 1)
        ]
        real = submit(measure.measure_real, work, data_dir)
        clean_result, digits = clean.result()
        junk = [submit(measure.measure_junk, work, kind, digits) for kind in KINDS]
        jobs = [*conditions, real, *junk]
        for job in track(jobs, "conditions, junk, other digits", console=Console(stderr=True)):
            job.result()
    results = Results(
        command=command("benchmarks.robustness"),
        machine=machine(),
        split=split,
        images=len(work.digits),
        seed=_SEED,
        max_error=_MAX_ERROR,
        fonts=len(usable_fonts()),
        photographs=len(photographs()),
        models=tuple(
            Model(
                name=name,
                version=pipeline.classifier.card.version,
                threshold=pipeline.criteria.threshold,
            )
            for name, pipeline in readers.pipelines.items()
        ),
        clean=clean_result,
        clean_decisions={name: answers.decisions() for name, answers in digits.items()},
        conditions=tuple(job.result() for job in conditions),
        junk=tuple(job.result() for job in junk),
        real=real.result(),
    )
    write(out or split.folder, "robustness", markdown(results), results)


def main() -> None:
    """Run the command; print an expected error as one line and exit with status 1."""
    try:
        app()
    except (DataError, NothingToServe, UnknownModel, ModelUnavailable) as error:
        sys.exit(f"error: {error}")


@contextmanager
def _pool(workers: int) -> Iterator[Callable[..., Future[Any]]]:
    if not workers:
        yield _call
        return
    # ONNX Runtime's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, measure.use_one_thread) as pool:
        yield pool.submit


def _call(function: Callable[..., Any], *arguments: object) -> Future[Any]:
    done: Future[Any] = Future()
    done.set_result(function(*arguments))
    return done


if __name__ == "__main__":
    main()
