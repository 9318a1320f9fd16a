"""`numeral bench`: how fast this machine reads, on one core."""

import time
from collections.abc import Sequence
from importlib.metadata import version as version_of

import typer
from pydantic import BaseModel, ConfigDict, Field
from rich.console import Console
from rich.progress import Progress

from service.cli.contenders import contenders
from service.cli.loading import NO_MODEL, load_or_exit
from service.cli.tables import print_table
from service.errors import ModelUnavailable, UnknownModel
from service.processes.cores import usable_cores
from service.settings import Settings
from service.sizing.machine import machine
from service.sizing.measure import BATCH, Contender, Figures, measure, one_core
from service.version import version

# Less of a core than this is a machine that is busy with something else.
_UNDISTURBED = 0.97

_COLUMNS = (
    *("model", "decode", "normalise", "judge", "one picture", "99%"),
    *("one by one", f"in {BATCH}s", "slowest to fastest round"),
)


class Report(BaseModel):
    """What was measured, and where."""

    model_config = ConfigDict(frozen=True)

    machine: str
    numeral: str
    onnxruntime: str
    usable_cores: int
    core_share: float = Field(
        description="Of the core that was measured on; well below 1: the machine was busy."
    )
    rounds: int
    seconds: float
    figures: tuple[Figures, ...]


def run(
    settings: Settings,
    models: Sequence[str],
    *,
    side: int,
    rounds: int,
    seconds: float,
    as_json: bool,
) -> int:
    """Measure `models`, or all; the exit status."""
    catalogue = load_or_exit(settings)
    try:
        chosen = list(contenders(settings, catalogue, models, side))
    except (UnknownModel, ModelUnavailable) as error:
        typer.echo(f"error: {error}", err=True)
        return NO_MODEL
    report = _measured(chosen, rounds, seconds)
    if as_json:
        typer.echo(report.model_dump_json(indent=2))
    else:
        _print(report)
    return 0


def _measured(chosen: Sequence[Contender], rounds: int, seconds: float) -> Report:
    console = Console(stderr=True)
    cores = usable_cores()
    # A thread that draws the bar would take its time from the core that is measured.
    bar = Progress(
        console=console, transient=True, auto_refresh=False, disable=not console.is_terminal
    )
    task = bar.add_task("measuring", total=len(chosen) * (rounds + 1))

    def tell() -> None:
        bar.update(task, advance=1, refresh=True)

    with bar, one_core():
        began, used = time.monotonic(), time.process_time()
        figures = measure(chosen, rounds=rounds, seconds=seconds, tell=tell)
        share = (time.process_time() - used) / (time.monotonic() - began)
    return Report(
        machine=machine(),
        numeral=version(),
        onnxruntime=version_of("onnxruntime"),
        usable_cores=cores,
        core_share=min(1.0, share),
        rounds=rounds,
        seconds=seconds,
        figures=tuple(figures),
    )


def _print(report: Report) -> None:
    print_table(_COLUMNS, map(_cells, report.figures))
    pictures = "; ".join(dict.fromkeys(each.pictures for each in report.figures))
    notes = [
        f"{report.machine}, ONNX Runtime {report.onnxruntime}; one core of"
        f" {report.usable_cores} that may be used",
        f"PNG files drawn for this: {pictures}",
        f"medians of {report.rounds} rounds of {report.seconds:g} s; accuracy is not measured",
    ]
    if report.core_share < _UNDISTURBED:
        notes.append(
            f"the core was only {report.core_share:.0%} ours: something else runs on this machine,"
            " which reads faster without it"
        )
    typer.echo("\n".join(notes), err=True)


def _cells(figures: Figures) -> tuple[str, ...]:
    return (
        figures.model,
        *(f"{us:,.0f} us" for us in (figures.decode_us, figures.normalise_us, figures.model_us)),
        f"{figures.one_ms:.3f} ms",
        f"{figures.one_p99_ms:.3f} ms",
        f"{figures.one_by_one_per_s:,.0f}/s",
        f"{figures.batched_per_s:,.0f}/s",
        f"{figures.batched_per_s_low:,.0f} to {figures.batched_per_s_high:,.0f}",
    )
