"""`numeral score`: many pictures to a table, and how that ends."""

import os
import sys
import time
from collections import Counter
from collections.abc import Mapping

import typer

from models.manifest import ModelFileError
from service.cli.loading import NO_MODEL, load_or_exit
from service.cli.progress import shown
from service.cli.score_job import Asked, described, job_of
from service.cli.score_ray import to_folder
from service.cli.score_work import Finished, Work, to_file, to_pipe
from service.cli.stopping import Terminated, terminated_by_signal
from service.errors import ModelUnavailable, UnknownModel, UnsupportedMaxError
from service.processes.cores import usable_cores
from service.ray_reach import NoCluster
from service.scoring.formats import UnknownFormat
from service.scoring.parts import CannotWrite, folder_of
from service.scoring.sources import NoSuchSource
from service.scoring.workers import WorkerFailed
from service.settings import Settings

_SOME_UNREAD = 1

# What it ends with otherwise: the most specific class decides.
_STATUS: Mapping[type[BaseException], int] = {
    NoCluster: 2,
    NoSuchSource: 2,
    CannotWrite: 2,
    UnknownFormat: 2,
    UnknownModel: NO_MODEL,
    ModelUnavailable: NO_MODEL,
    UnsupportedMaxError: NO_MODEL,
    ModelFileError: NO_MODEL,
    WorkerFailed: 4,
    OSError: 4,
    KeyboardInterrupt: 130,
    BrokenPipeError: 141,
    Terminated: 143,
}


def run(settings: Settings, asked: Asked, *, overwrite: bool, workers: int | None) -> int:
    """Read all that is asked for; the exit status."""
    began = time.monotonic()
    try:
        finished = _work(settings, asked, overwrite=overwrite, workers=workers)
    except tuple(_STATUS) as error:
        _explain(error, asked)
        return next(_STATUS[kind] for kind in type(error).mro() if kind in _STATUS)
    _summarise(finished, time.monotonic() - began)
    return _SOME_UNREAD if finished.tally.failed else 0


def _work(settings: Settings, asked: Asked, *, overwrite: bool, workers: int | None) -> Finished:
    job = job_of(settings, asked, load_or_exit(settings))
    # On one terminal a bar would be torn by the rows.
    to_terminal = asked.out is None and asked.by_ray is None and sys.stdout.isatty()
    bar = sys.stderr.isatty() and not to_terminal
    with terminated_by_signal(), shown(wanted=bar) as pictures:
        work = Work(job, asked.sources, workers, usable_cores(), pictures)
        if asked.by_ray is not None:
            told = described(settings, asked, job)
            return to_folder(work, asked.by_ray, told, overwrite=overwrite)
        if asked.out is None:
            return to_pipe(work, sys.stdout.buffer)
        return to_file(work, asked.out, described(settings, asked, job), overwrite=overwrite)


def _explain(error: BaseException, asked: Asked) -> None:
    match error:
        case BrokenPipeError():
            # What is left in the buffer goes nowhere, and there is nobody to be told of it.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        case KeyboardInterrupt() | Terminated():
            typer.echo(f"interrupted{_how_to_go_on(asked)}", err=True)
        case WorkerFailed() | OSError():
            typer.echo(f"error: it broke off: {error}{_how_to_go_on(asked)}", err=True)
        case _:
            typer.echo(f"error: {error}", err=True)


def _how_to_go_on(asked: Asked) -> str:
    if asked.by_ray is not None:
        return f"; what is done is kept in {asked.by_ray.folder}, and the same command goes on"
    if asked.out is None or not (folder := folder_of(asked.out)).exists():
        return ""
    return f"; what is done is kept in {folder}, and the same command goes on with it"


def _summarise(finished: Finished, seconds: float) -> None:
    tally = finished.tally
    rate = (tally.pictures - finished.before) / seconds
    before = f", {finished.before:,} of them by a run before" if finished.before else ""
    lines = (
        f"{tally.pictures:,} pictures{before}, in {seconds:.1f} s: {rate:,.0f} a second,"
        f" workers: {finished.workers}",
        f"  accepted {tally.accepted:>12,}",
        f"  review   {tally.reviewed:>12,}{_listed(tally.reasons)}",
        f"  failed   {tally.failed.total():>12,}{_listed(tally.failed)}",
    )
    typer.echo("\n".join(lines), err=True)


def _listed(counts: Counter[str]) -> str:
    named = ", ".join(f"{name} {count:,}" for name, count in counts.most_common())
    return f"  {named}" if named else ""
