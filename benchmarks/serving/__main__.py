"""The command `python -m benchmarks.serving`: the service beside other ways to serve its models.

Each server runs alone on processors of its own while wrk asks from others; in each round every
server has its turn, so that a slow minute of the machine meets them all.
"""

import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markdown import Markdown

from benchmarks.serving.plan import Plan, Unfit, keras_files, model_files
from benchmarks.serving.plot import draw
from benchmarks.serving.questions import IMAGES
from benchmarks.serving.report import markdown
from benchmarks.serving.run import measure
from benchmarks.serving.turns import Cores, parse_cores
from benchmarks.serving.wrk import LoadFailed, require_wrk
from models.manifest import PACKAGE_DIRECTORY, ManifestError
from models.mnist import TEST, DataError, load_part

REPORT, FIGURES, PLOT = "serving.md", "serving.json", "serving.png"
_CACHE = Path.home() / ".cache" / "numeral" / "benchmarks"
_WORK = Path("runs") / "serving"

app = typer.Typer(add_completion=False)


@app.command()
def serving(
    data_dir: Annotated[
        Path, typer.Option(envvar="NUMERAL_DATA", help="Folder with MNIST's test files.")
    ],
    models: Annotated[
        str, typer.Option(help="Models, the first with all rounds and the table of workers.")
    ] = "cnn,lenet5,resnet",
    keras: Annotated[
        list[str] | None,
        typer.Option(help="The Keras file of a model, cnn=runs/cnn/.../model.keras; repeatable."),
    ] = None,
    only: Annotated[
        str | None, typer.Option(help="Servers to measure, such as numeral,bare,litserve. [all]")
    ] = None,
    peers: Annotated[bool, typer.Option(help="Measure other servers too.")] = True,
    seconds: Annotated[int, typer.Option(min=1, help="For each measurement.")] = 3,
    rounds: Annotated[int, typer.Option(min=1, help="With the first model.")] = 5,
    other_rounds: Annotated[int, typer.Option(min=1, help="With each of the others.")] = 3,
    server_cores: Annotated[str, typer.Option(help="Processors of the server.")] = "0",
    load_cores: Annotated[
        str | None, typer.Option(help="Processors of wrk. [two that the server does not have]")
    ] = None,
    workers: Annotated[
        str, typer.Option(help="Numbers of workers for the table of workers; empty for none.")
    ] = "1,2,4",
    venvs: Annotated[
        Path, typer.Option(help="Where the peers' environments are, or are made.")
    ] = _CACHE,
    models_dir: Annotated[
        Path, typer.Option(help="Folder with manifest.json and the ONNX files.")
    ] = PACKAGE_DIRECTORY,
    work: Annotated[
        Path, typer.Option(help="Where figures are kept until the end; an interrupted run goes on.")
    ] = _WORK,
    fresh: Annotated[bool, typer.Option(help="Forget what an interrupted run measured.")] = False,
    out: Annotated[Path, typer.Option(help="Where the report, JSON and plot go.")] = Path(
        "docs/reports"
    ),
) -> None:
    """Measure, and write a report with a plot and every figure as JSON."""
    require_wrk()
    if fresh:
        shutil.rmtree(work, ignore_errors=True)
    names = models.split(",")
    plan = Plan(
        models=model_files(models_dir, names),
        keras=keras_files(keras or ()),
        only=tuple(only.split(",")) if only else (),
        peers=peers,
        seconds=seconds,
        rounds={name: rounds if name == names[0] else other_rounds for name in names},
        cores=_cores(server_cores, load_cores),
        workers=tuple(int(number) for number in workers.split(",") if number),
        venvs=venvs,
        work=work,
        command=_command(),
    )
    results = measure(plan, load_part(data_dir, TEST).images[:IMAGES])
    out.mkdir(parents=True, exist_ok=True)
    page = markdown(results, PLOT)
    (out / REPORT).write_text(page)
    (out / FIGURES).write_text(results.model_dump_json(indent=1) + "\n")
    draw(results, out / PLOT)
    Console().print(Markdown(page))
    print(f"written: {out / REPORT}, {out / FIGURES}, {out / PLOT}")


def main() -> None:
    """Run the command; an expected error becomes one line and exit status 1."""
    # Servers are stopped on the way out; without this SIGTERM would leave them behind.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        app()
    except (DataError, LoadFailed, ManifestError, Unfit) as error:
        sys.exit(f"error: {error}")


def _cores(server: str, load: str | None) -> Cores:
    allowed = sorted(os.sched_getaffinity(0))
    try:
        own = parse_cores(server)
        others = tuple(core for core in allowed if core not in own)
        return Cores(own, parse_cores(load) if load else others[:2] or own)
    except ValueError as error:
        raise Unfit(f"{error}: processors are written as 0 or 1,3 or 2-5") from error


def _command() -> str:
    return " ".join(["python -m benchmarks.serving", *sys.argv[1:]])


if __name__ == "__main__":
    main()
