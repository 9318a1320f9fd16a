"""The command `python -m benchmarks.scaling`: bulk scoring by Ray beside the local engine.

Pictures are drawn into a temporary folder, and read with 1, 2, 4 and so on workers, up to as many
as there are cores; then by two nodes, of which one is killed half way. Wants Linux.
"""

import os
import shlex
import sys
import tempfile
from importlib.metadata import version as version_of
from pathlib import Path
from typing import Annotated, get_args

import typer
from rich.console import Console
from rich.progress import track

from benchmarks.scaling.killing import kill_a_node
from benchmarks.scaling.pictures import SIDE, write_archives
from benchmarks.scaling.report import put
from benchmarks.scaling.results import Engine, Results
from benchmarks.scaling.speed import measure
from service.processes.cores import usable_cores
from service.sizing.machine import machine
from service.sizing.pictures import draw_digits
from service.version import version

REPORT, FIGURES = "scaling.md", "scaling.json"

app = typer.Typer(add_completion=False)


@app.command()
def scaling(
    images: Annotated[int, typer.Option(min=4_000, help="How many are read.")] = 200_000,
    model: Annotated[str, typer.Option(help="Which reads them.")] = "resnet",
    out: Annotated[Path, typer.Option(help="Where page and JSON are.")] = Path("docs"),
) -> None:
    """Time bulk scoring by Ray, and kill a node under it."""
    os.environ.setdefault("PYTHONPATH", str(Path.cwd()))
    cores = usable_cores()
    numbers = [count for count in (1, 2, 4, 8, 16, 32) if count <= cores]
    turns = [(engine, count) for engine in get_args(Engine) for count in numbers]
    with tempfile.TemporaryDirectory() as name:
        source = Path(name) / "pictures"
        write_archives(source, images)
        source.with_name("one.png").write_bytes(draw_digits(1, SIDE)[0])
        bar = Console(stderr=True)
        speeds = tuple(
            measure(engine, count, source, images, model)
            for engine, count in track(turns, "measuring", console=bar)
        )
        killed = kill_a_node(source, images, model, max(2, cores))
    results = Results(
        command=shlex.join(["python", "-m", "benchmarks.scaling", *sys.argv[1:]]),
        machine=machine(),
        version=version(),
        ray=version_of("ray"),
        model=model,
        pictures=images,
        side=SIDE,
        speeds=speeds,
        killed=killed,
    )
    (out / FIGURES).write_text(results.model_dump_json(indent=2) + "\n")
    page = out / REPORT
    page.write_text(put(page.read_text(), results))


if __name__ == "__main__":
    app()
