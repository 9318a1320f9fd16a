"""The command `python -m benchmarks.machine`: how fast one core of this machine reads."""

import math
import os
import time
from collections.abc import Callable, Iterator
from statistics import median
from typing import Annotated

import typer

from benchmarks import pictures, reports
from benchmarks.robustness.conditions import png
from models.manifest import PACKAGE_DIRECTORY
from service.inference.catalogue import Catalogue, load_catalogue
from service.inference.digits import DigitOptions
from service.inference.fields import FieldOptions, Pipeline
from service.settings import Settings

_BATCH = 64
_HEADROOM = 2  # times the CPU time that the load takes, so that queues stay short
_USUAL, _FIELD = "100x100 scan, JPEG", "field of 8 digits, PNG"
_PICTURES: dict[str, Callable[[], list[bytes]]] = {
    "digit in MNIST's form, PNG": lambda: [png(image) for image in pictures.mnist_images(_BATCH)],
    "28x28 drawing, PNG": lambda: pictures.small_drawings(_BATCH),
    _USUAL: lambda: pictures.scans(_BATCH),
    "12-megapixel photo, JPEG": lambda: pictures.photographs(2),
    _FIELD: lambda: pictures.draw_fields(_BATCH, height=48),
}
_METHOD = """# This machine

Made by

    {results.command}

on one core of {results.machine}. Pictures are synthetic. Times are CPU time in microseconds.

This machine has {results.cores} usable cores, so `--workers {results.cores}`. HTTP adds 100 to 300
microseconds to a request: [serving](serving.md).

## Preparing one picture

This does not depend on the model.
"""

app = typer.Typer(add_completion=False)


class Preparation(reports.Record):
    """Microseconds for one picture before a model sees it."""

    picture: str
    decode_us: float
    normalise_us: float


class Model(reports.Record):
    """Microseconds for one prepared picture, and for all stages in batches of 64."""

    name: str
    picture: str
    alone_us: float
    batched_us: float
    total_us: float


class Results(reports.Report):
    """All figures of one run."""

    cores: int
    preparations: tuple[Preparation, ...]
    models: tuple[Model, ...]


@app.command()
def measure_machine(
    model: Annotated[
        list[str] | None, typer.Option(help="Model; repeatable. [default: all]")
    ] = None,
    rate: Annotated[float, typer.Option(help="Pictures/s of the busiest second.")] = 1000,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of each measurement.")] = 5,
    models_dir: reports.ModelsDir = PACKAGE_DIRECTORY,
    out: reports.Out = reports.PUBLISHED,
) -> None:
    """Measure the stages of reading on one core, and the cores that a load needs."""
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(usable)})
    catalogue = load_catalogue(models_dir)
    files = {name: draw() for name, draw in _PICTURES.items()}
    try:
        preparations = {
            name: _preparation(name, _pipeline(catalogue, None, name), files[name], rounds)
            for name in reports.progress(files, "pictures")
        }
        models = []
        for name in reports.progress(
            model or [*catalogue.classifiers, *catalogue.readers], "models"
        ):
            picture = _FIELD if name in catalogue.reader_cards else _USUAL
            pipeline = _pipeline(catalogue, name, picture)
            models.append(_model(name, pipeline, files[picture], preparations[picture], rounds))
    finally:
        os.sched_setaffinity(0, usable)
    results = Results(
        cores=len(usable),
        preparations=tuple(preparations.values()),
        models=tuple(models),
    )
    reports.write(out, "machine", markdown(results, rate), results)


def markdown(results: Results, rate: float) -> Iterator[str]:
    """Yield the lines of the page, with advice for `rate` pictures per second."""
    yield _METHOD.format(results=results)
    yield from reports.header("picture", "decode", "normalise")
    for each in results.preparations:
        yield reports.row(each.picture, f"{each.decode_us:,.0f}", f"{each.normalise_us:,.0f}")
    yield f"\n## Models\n\n*Cores* have {_HEADROOM} times the CPU time needed: queues stay short.\n"
    columns = (
        f"in batches of {_BATCH}",
        "all stages",
        "pictures/s",
        f"cores for {rate:,g}/s",
        "of",
    )
    yield from reports.header("model", "alone", *columns)
    for model in results.models:
        times = (f"{us:,.0f}" for us in (model.alone_us, model.batched_us, model.total_us))
        cores = math.ceil(_HEADROOM * rate * model.total_us / 1e6)
        yield reports.row(
            f"`{model.name}`", *times, f"{1e6 / model.total_us:,.0f}", cores, model.picture
        )


def _pipeline(catalogue: Catalogue, name: str | None, picture: str) -> Pipeline:
    settings = Settings()
    pixels = settings.max_pixels
    if picture == _FIELD:
        options = FieldOptions(name)
        return catalogue.fields(options, max_error=settings.field_max_error, max_pixels=pixels)
    return catalogue.digits(DigitOptions(name), max_error=settings.max_error, max_pixels=pixels)


def _preparation(picture: str, pipeline: Pipeline, files: list[bytes], rounds: int) -> Preparation:
    decoded = [pipeline.decode(file) for file in files]
    return Preparation(
        picture=picture,
        decode_us=_us(lambda: [pipeline.decode(file) for file in files], len(files), rounds),
        normalise_us=_us(lambda: [pipeline.normalise(one) for one in decoded], len(files), rounds),
    )


def _model(
    name: str,
    pipeline: Pipeline,
    files: list[bytes],
    preparation: Preparation,
    rounds: int,
) -> Model:
    ready = [pipeline.normalise(pipeline.decode(file)) for file in files]
    batched = _us(lambda: pipeline.read(ready), len(ready), rounds)
    return Model(
        name=name,
        picture=preparation.picture,
        alone_us=_us(lambda: [pipeline.read([one]) for one in ready], len(ready), rounds),
        batched_us=batched,
        total_us=preparation.decode_us + preparation.normalise_us + batched,
    )


def _us(call: Callable[[], object], count: int, rounds: int) -> float:
    """Return the median CPU time for one of `count` pictures, after a round to warm up."""
    seconds = []
    for _ in range(rounds + 1):
        started = time.process_time()
        call()
        seconds.append(time.process_time() - started)
    return 1e6 * median(seconds[1:]) / count


if __name__ == "__main__":
    app()
