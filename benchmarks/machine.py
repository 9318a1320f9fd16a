"""The command `python -m benchmarks.machine`: how fast one core of this machine reads.

It measures every stage with pictures of its own, and says how many workers a load needs:

    python -m benchmarks.machine --model resnet --rate 500
"""

import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import track

from benchmarks import pictures
from benchmarks.reports import PUBLISHED, Record, command, header, machine, row, write
from benchmarks.robustness.conditions import png
from models.manifest import PACKAGE_DIRECTORY
from service.inference.catalogue import Catalogue, load_catalogue
from service.inference.digits import DigitOptions, DigitPipeline
from service.inference.fields import FieldOptions, FieldPipeline
from service.settings import Settings

_BATCH = 64
_HEADROOM = 2  # times the CPU time that the load takes, so that queues stay short

_DIGITS = {
    "digit in MNIST's form, PNG": lambda: [png(image) for image in pictures.mnist_images(_BATCH)],
    "28x28 drawing, PNG": lambda: pictures.small_drawings(_BATCH),
    "100x100 scan, JPEG": lambda: pictures.scans(_BATCH),
    "12-megapixel photo, JPEG": lambda: pictures.photographs(2),
}
_SETTINGS = Settings()
_USUAL = "100x100 scan, JPEG"
_FIELD = "field of 8 digits, PNG"

app = typer.Typer(add_completion=False)


class Preparation(Record):
    """Microseconds for one picture before a model sees it."""

    picture: str
    decode_us: float
    normalise_us: float


class Model(Record):
    """Microseconds for one prepared picture: alone, and in batches of 64."""

    name: str
    picture: str
    alone_us: float
    batched_us: float


class Results(Record):
    """All figures of one run."""

    command: str
    machine: str
    usable_cores: int
    rate: float | None
    preparations: tuple[Preparation, ...]
    models: tuple[Model, ...]

    def total_us(self, model: Model) -> float:
        """Return the time for one picture in batches, all stages together."""
        stages = next(each for each in self.preparations if each.picture == model.picture)
        return stages.decode_us + stages.normalise_us + model.batched_us


@app.command()
def measure_machine(
    model: Annotated[
        list[str] | None, typer.Option(help="Model; repeatable. [default: all]")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0, help="Pictures/s of the busiest second, for advice.")
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds of each measurement.")] = 5,
    models_dir: Annotated[
        Path, typer.Option(help="Folder with manifest.json and the ONNX files.")
    ] = PACKAGE_DIRECTORY,
    out: Annotated[Path, typer.Option(help="Folder of the report.")] = PUBLISHED,
) -> None:
    """Measure the stages of reading on one core, and advise on the number of workers."""
    usable = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(usable)})
    try:
        preparations, models = _measure(load_catalogue(models_dir), model, rounds)
    finally:
        os.sched_setaffinity(0, usable)
    results = Results(
        command=command("benchmarks.machine"),
        machine=machine(),
        usable_cores=len(usable),
        rate=rate,
        preparations=tuple(preparations),
        models=tuple(models),
    )
    write(out, "machine", markdown(results), results)


def markdown(results: Results) -> Iterator[str]:
    """Yield the lines of the page."""
    yield f"# This machine\n\nMade by\n\n    {results.command}\n\non one core of {results.machine}."
    yield "Pictures are synthetic. Times are CPU time in microseconds, medians of the rounds.\n"
    yield "## Preparing one picture\n\nThis does not depend on the model.\n"
    yield from header("picture", "decode", "normalise")
    for each in results.preparations:
        yield row(each.picture, f"{each.decode_us:,.0f}", f"{each.normalise_us:,.0f}")
    yield "\n## Models\n\nFor one prepared picture: run the model and decide.\n"
    columns = ("alone", f"in batches of {_BATCH}", "pictures/s, all stages", "of")
    yield from header("model", *columns)
    for model in results.models:
        times = f"{model.alone_us:,.0f}", f"{model.batched_us:,.0f}"
        yield row(f"`{model.name}`", *times, f"{1e6 / results.total_us(model):,.0f}", model.picture)
    yield "\n## Workers\n"
    yield (
        f"This machine has {results.usable_cores} usable cores: `--workers {results.usable_cores}`."
        " HTTP takes 0.1 to 0.3 ms more for each request: [serving](serving.md)."
    )
    if results.rate:
        yield (
            f"\nCores for {results.rate:,g} pictures/s, {_HEADROOM} times the CPU time that they"
            " take, so that queues stay short:\n"
        )
        yield from header("model", "cores")
        for model in results.models:
            cores = math.ceil(_HEADROOM * results.rate * results.total_us(model) / 1e6)
            yield row(f"`{model.name}`", cores)


def _measure(
    catalogue: Catalogue, names: list[str] | None, rounds: int
) -> tuple[list[Preparation], list[Model]]:
    console = Console(stderr=True)
    preparations = [
        _preparation(kind, _digits(catalogue, None), draw(), rounds)
        for kind, draw in track(_DIGITS.items(), "pictures", console=console)
    ]
    scans, fields = pictures.scans(_BATCH), pictures.draw_fields(_BATCH, height=48)
    preparations.append(_preparation(_FIELD, _fields(catalogue, None), fields, rounds))
    models = []
    for name in track(names or [*catalogue.classifiers, *catalogue.readers], console=console):
        if name in catalogue.reader_cards:
            models.append(_model(name, _FIELD, _fields(catalogue, name), fields, rounds))
        else:
            models.append(_model(name, _USUAL, _digits(catalogue, name), scans, rounds))
    return preparations, models


def _digits(catalogue: Catalogue, name: str | None) -> DigitPipeline:
    return catalogue.digits(
        DigitOptions(name), max_error=_SETTINGS.max_error, max_pixels=_SETTINGS.max_pixels
    )


def _fields(catalogue: Catalogue, name: str | None) -> FieldPipeline:
    return catalogue.fields(
        FieldOptions(name), max_error=_SETTINGS.field_max_error, max_pixels=_SETTINGS.max_pixels
    )


def _preparation(
    kind: str, pipeline: DigitPipeline | FieldPipeline, files: list[bytes], rounds: int
) -> Preparation:
    decoded = [pipeline.decode(file) for file in files]
    return Preparation(
        picture=kind,
        decode_us=_us(lambda: [pipeline.decode(file) for file in files], len(files), rounds),
        normalise_us=_us(
            lambda: [pipeline.normalise(each) for each in decoded], len(files), rounds
        ),
    )


def _model(
    name: str, kind: str, pipeline: DigitPipeline | FieldPipeline, files: list[bytes], rounds: int
) -> Model:
    ready = [pipeline.normalise(pipeline.decode(file)) for file in files]
    return Model(
        name=name,
        picture=kind,
        alone_us=_us(lambda: [pipeline.read([each]) for each in ready], len(ready), rounds),
        batched_us=_us(lambda: pipeline.read(ready), len(ready), rounds),
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
