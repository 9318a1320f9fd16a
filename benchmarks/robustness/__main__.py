"""The command `python -m benchmarks.robustness`: how digits are read from bad pictures."""

import multiprocessing
import os
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Annotated

import cv2
import typer

from benchmarks import reports
from benchmarks.reports import Split
from benchmarks.robustness import measure
from benchmarks.robustness.conditions import CLEAN, CONDITIONS, SEVERITIES
from benchmarks.robustness.junk import KINDS
from benchmarks.robustness.readers import Source, open_readers
from benchmarks.robustness.report import markdown
from benchmarks.robustness.results import Model, Results
from benchmarks.robustness.sources import photographs, usable_fonts
from models.manifest import PACKAGE_DIRECTORY
from service.errors import ModelUnavailable, UnknownModel
from service.inference.catalogue import NothingToServe

_MAX_ERROR = 0.001
_SEED = 1

app = typer.Typer(add_completion=False)


@app.command()
def robustness(
    data_dir: reports.DataDir,
    split: reports.SplitOption = Split.TEST,
    images: Annotated[int, typer.Option(min=1, help="Number of digits.")] = 1000,
    models: Annotated[
        list[str] | None, typer.Option("--models", help="Model; repeatable. [default: all]")
    ] = None,
    models_dir: reports.ModelsDir = PACKAGE_DIRECTORY,
    out: reports.SplitOut = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes; 0 uses this one. [default: all cores]")
    ] = None,
    verify: reports.Verify = True,
) -> None:
    """Read digits under many conditions, junk, and digits of other data sets; write a report."""
    source = Source(models_dir, tuple(models or ()), _MAX_ERROR)
    work = measure.Work(source, split.load(data_dir, verify=verify)[:images], _SEED)
    readers = open_readers(work.source)
    with _pool(len(os.sched_getaffinity(0)) if workers is None else workers) as pool:
        clean = pool.submit(measure.with_answers, work, CLEAN.name, 1)
        conditions = [
            pool.submit(measure.measure_condition, work, condition.name, severity)
            for condition in CONDITIONS
            for severity in range(1, SEVERITIES + 1)
        ]
        real = pool.submit(measure.measure_real, work, data_dir)
        clean_result, digits = clean.result()
        junk = [pool.submit(measure.measure_junk, work, kind, digits) for kind in KINDS]
        jobs = [*conditions, real, *junk]
        for job in reports.progress(jobs, "conditions, junk, other digits"):
            job.result()
    results = Results(
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
    reports.write(split.folder(out), "robustness", markdown(results), results)


def _pool(workers: int) -> Executor:
    if not workers:
        return ThreadPoolExecutor(1)
    # ONNX Runtime's threads do not survive a fork.
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, context, cv2.setNumThreads, (1,))


if __name__ == "__main__":
    reports.run(app, NothingToServe, UnknownModel, ModelUnavailable)
