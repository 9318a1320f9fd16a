"""The command `python -m benchmarks.soak`: the service under more than it can bear.

More work than it can do, a worker killed, a stop in mid work, slow and cut connections, and mixed
work for long: what is lost, what is wrong, what it costs. Wants Linux; uses wrk if it is there.
"""

import os
import shlex
import sys
from collections.abc import Callable, Set
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from benchmarks.serving.turns import Cores, parse_cores
from benchmarks.soak.endurance import endure
from benchmarks.soak.killing import kill_workers
from benchmarks.soak.overload import overload
from benchmarks.soak.plan import LONG, QUICK, Plan
from benchmarks.soak.plot import draw
from benchmarks.soak.report import markdown
from benchmarks.soak.results import Results
from benchmarks.soak.stopping import stop_under_load
from benchmarks.soak.trouble import trouble_makers
from models.manifest import PACKAGE_DIRECTORY, load_manifest
from models.mnist import TEST, load_part
from service.sizing.machine import machine
from service.version import version

REPORT, FIGURES, PLOT = "soak.md", "soak.json", "soak.png"
_IMAGES = 500


class Section(StrEnum):
    """A section of the page, by its name in the results."""

    OVERLOAD = "overload"
    KILLED = "killed"
    STOPPED = "stopped"
    TROUBLEMAKERS = "troublemakers"
    ENDURANCE = "endurance"


app = typer.Typer(add_completion=False)


@app.command()
def soak(
    data_dir: Annotated[
        Path, typer.Option(envvar="NUMERAL_DATA", help="Folder with MNIST's test files.")
    ],
    model: Annotated[str | None, typer.Option(help="[default: the manifest's]")] = None,
    server_cores: Annotated[
        str, typer.Option(help="Processors of the service, such as 0 or 0-1; a worker each.")
    ] = "0",
    workers: Annotated[
        int, typer.Option(min=2, help="Workers of the sections that need several.")
    ] = 2,
    quick: Annotated[bool, typer.Option(help="About two minutes instead of twenty.")] = False,
    overload_seconds: Annotated[
        int | None, typer.Option(min=2, help="At twice the peak. [120, quick 15]")
    ] = None,
    endurance_seconds: Annotated[
        int | None, typer.Option(min=10, help="Of mixed work. [600, quick 25]")
    ] = None,
    only: Annotated[
        list[Section] | None,
        typer.Option(help="Measure this section anew and keep the others; may be repeated."),
    ] = None,
    verify: Annotated[
        bool, typer.Option(help="Check the files' MD5 sums; --no-verify for digits of your own.")
    ] = True,
    out: Annotated[Path, typer.Option(help="Where page, figures and picture go.")] = Path(
        "docs/reports"
    ),
) -> None:
    """Treat the service badly, and write what becomes of it."""
    durations = QUICK if quick else LONG
    plan = Plan(
        cores=_cores(server_cores),
        model=model or load_manifest(PACKAGE_DIRECTORY).default,
        images=load_part(data_dir, TEST, verify=verify).images[:_IMAGES],
        durations=replace(
            durations,
            overload=overload_seconds or durations.overload,
            endurance=endurance_seconds or durations.endurance,
        ),
        workers=workers,
    )
    before = Results.model_validate_json((out / FIGURES).read_bytes()) if only else None
    results = measure(plan, before, frozenset(only or ()))
    page = markdown(results)
    out.mkdir(parents=True, exist_ok=True)
    (out / REPORT).write_text(page)
    (out / FIGURES).write_text(results.model_dump_json(indent=1) + "\n")
    draw(results, out / PLOT)
    Console().print(Markdown(page))
    print(f"written: {out / REPORT}, {out / FIGURES}, {out / PLOT}")


def measure(plan: Plan, before: Results | None, only: Set[Section]) -> Results:
    """All sections, one after another; of those not in `only` what `before` holds, if it does."""
    measures: dict[Section, Callable[[Callable[[str], None]], Any]] = {
        Section.OVERLOAD: partial(overload, plan),
        Section.KILLED: partial(kill_workers, plan),
        Section.STOPPED: lambda say: tuple(stop_under_load(plan, say)),
        Section.TROUBLEMAKERS: lambda say: tuple(trouble_makers(plan, say)),
        Section.ENDURANCE: partial(endure, plan),
    }
    columns = SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("start", total=None)

        def say(what: str) -> None:
            progress.update(task, description=what)

        found = {
            section.value: getattr(before, section) if before and section not in only else it(say)
            for section, it in measures.items()
        }
    return Results(
        command=" && ".join(
            [
                *([before.command] if before else []),
                shlex.join(["python", "-m", "benchmarks.soak", *sys.argv[1:]]),
            ]
        ),
        machine=machine(),
        version=version(),
        model=plan.model,
        server_cores=plan.cores.server,
        load_cores=plan.cores.load,
        **found,
    )


def _cores(server: str) -> Cores:
    usable = sorted(os.sched_getaffinity(0))
    try:
        own = parse_cores(server)
    except ValueError as error:
        raise typer.BadParameter(f"{server!r} names no processors, such as 0 or 0-1") from error
    if not set(own) <= set(usable):
        raise typer.BadParameter(f"processors {server} are not all among {usable}")
    return Cores(own, tuple(core for core in usable if core not in own) or tuple(usable))


if __name__ == "__main__":
    app()
