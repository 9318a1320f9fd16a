"""The command `python -m benchmarks.stream`: many images through one request, in how much memory.

A service of its own, on one core, reads MNIST's test images as PNG files, sent as NDJSON in one
request, while its memory is watched.
"""

import base64
import json
import os
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import cycle, islice, product
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from pydantic import BaseModel, ConfigDict
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import MofNCompleteColumn, Progress, TaskID, TimeElapsedColumn

from benchmarks.service import running_service
from benchmarks.stream_client import Came, at_once, one_after_the_other
from benchmarks.tables import header, row
from models.mnist import TEST, Digits, load_part
from service.sizing.machine import machine
from service.version import version

FIGURES = "streaming.json"
_CALLERS = {"while sending": at_once, "after sending": one_after_the_other}
_MODELS = ("cnn", "lenet5", "resnet")
_WARM_UP = 2_000

app = typer.Typer(add_completion=False)


class Result(BaseModel):
    """What one request came to; memory is the service's resident set in MB, 10^6 bytes."""

    model_config = ConfigDict(frozen=True)

    model: str
    answers_taken: str
    images: int
    seconds: float
    images_per_second: float
    before_mb: float
    peak_mb: float


class Results(BaseModel):
    """Everything that one run found."""

    model_config = ConfigDict(frozen=True)

    command: str
    machine: str
    version: str
    results: tuple[Result, ...]


@app.command()
def stream(
    data_dir: Annotated[
        Path, typer.Option(envvar="NUMERAL_DATA", help="Folder with MNIST's test files.")
    ],
    images: Annotated[int, typer.Option(min=1, help="Images in the request.")] = 100_000,
    models: Annotated[
        list[str] | None, typer.Option("--models", help="A model; may be repeated.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where the JSON goes.")] = Path("docs/reports"),
) -> None:
    """Measure images per second and peak memory of one NDJSON request."""
    lines = _lines(load_part(data_dir, TEST))
    console = Console()
    columns = (*Progress.get_default_columns(), MofNCompleteColumn(), TimeElapsedColumn())
    found = []
    with Progress(*columns, console=console) as progress:
        for model, caller in product(models or _MODELS, _CALLERS):
            task = progress.add_task(f"{model}, answers taken {caller}", total=images)
            came = partial(_show, progress, task)
            found.append(_measured(model, caller, lines, images, came))
    results = Results(
        command=shlex.join(["python", "-m", "benchmarks.stream", *sys.argv[1:]]),
        machine=machine(),
        version=version(),
        results=tuple(found),
    )
    (out / FIGURES).write_text(results.model_dump_json(indent=2) + "\n")
    console.print(Markdown("\n".join(table(found))))


def table(results: Sequence[Result]) -> Iterator[str]:
    """The figures as Markdown."""
    yield from header("model", "answers taken", "images", "images/s", "memory before", "at most")
    for result in results:
        yield row(
            result.model,
            result.answers_taken,
            f"{result.images:,}",
            f"{result.images_per_second:,.0f}",
            f"{result.before_mb:.0f} MB",
            f"{result.peak_mb:.0f} MB",
        )


def _show(progress: Progress, task: TaskID, answers: int) -> None:
    progress.update(task, completed=answers)


def _measured(model: str, caller: str, lines: Sequence[bytes], images: int, came: Came) -> Result:
    with running_service(core=min(os.sched_getaffinity(0))) as service:
        url = f"{service.url}/predict/batch?model={model}"
        at_once(url, islice(cycle(lines), _WARM_UP), lambda _: None)
        service.forget_peak()
        before = service.memory()
        began = time.perf_counter()
        answers = _CALLERS[caller](url, islice(cycle(lines), images), came)
        seconds = time.perf_counter() - began
        if answers != images:
            raise RuntimeError(f"{images} images were sent, {answers} answers came")
        return Result(
            model=model,
            answers_taken=caller,
            images=images,
            seconds=seconds,
            images_per_second=images / seconds,
            before_mb=before,
            peak_mb=service.peak_memory(),
        )


def _lines(digits: Digits) -> list[bytes]:
    return [_line(index, image) for index, image in enumerate(digits.images)]


def _line(index: int, image: np.ndarray) -> bytes:
    png = cv2.imencode(".png", image)[1].tobytes()
    item = {"id": index, "image": base64.b64encode(png).decode()}
    return json.dumps(item).encode() + b"\n"


if __name__ == "__main__":
    app()
