"""`numeral score`: any number of pictures to a table."""

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from service.cli.options import (
    ChecksumName,
    Length,
    MaxError,
    MaxLength,
    MinLength,
    Model,
    ModelsDir,
    PreprocessName,
    read_constraints,
    read_settings,
)
from service.cli.output import NO_MODEL, load_models, picture_progress, print_error
from service.settings import Settings
from service.version import version

if TYPE_CHECKING:
    from models.fields.constraints import Constraints
    from service.scoring.job import Job, Summary
    from service.scoring.reading import Digits, Fields
    from service.scoring.writers import Writer

_SOME_UNREAD = 1
_RAY_PANEL = "With --engine ray"
_FILE_SUFFIXES = (".csv", ".jsonl", ".ndjson")


def score(
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE...", help="Where the pictures are.")
    ],
    *,
    out: Annotated[
        str,
        typer.Option(
            help="File to write: .parquet, .csv or .jsonl; - writes JSON lines to standard output."
            " With --engine ray, a folder."
        ),
    ] = "-",
    engine: Annotated[
        Literal["local", "ray"],
        typer.Option(help="Local processes, or Ray on this machine or a cluster."),
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(
            help="A Ray cluster as HOST:PORT; unset starts Ray here.", rich_help_panel=_RAY_PANEL
        ),
    ] = None,
    column: Annotated[
        str | None,
        typer.Option(
            help="The column of pictures in Parquet files; unset takes the only one of bytes.",
            rich_help_panel=_RAY_PANEL,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Start over, and replace an existing file.")
    ] = False,
    model: Model = None,
    max_error: MaxError = None,
    preprocess: PreprocessName = "auto",
    fields: Annotated[
        bool, typer.Option("--fields", help="Each picture is a field of several digits.")
    ] = False,
    length: Length = None,
    min_length: MinLength = None,
    max_length: MaxLength = None,
    checksum: ChecksumName = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Processes that read; unset: one per core, fewer for a few pictures."
        ),
    ] = None,
    models_dir: ModelsDir = None,
) -> None:
    """Read any number of pictures into a table: Parquet, CSV or JSON lines.

    A SOURCE is a folder with everything below it, a picture, a pattern in
    quotes, a .zip of pictures, a .npy of uint8 [N, height, width], or @FILE, a
    list with a path in each line; @- reads the list from standard input.

    Each picture has a row, in order; the row of an unreadable one has an error.
    After an interruption the same command resumes: finished rows are kept in
    OUT.parts, and OUT appears once it is complete. Repeating a complete run
    does nothing.

    With --engine ray, OUT is a folder of Parquet files, and then _SUCCESS.
    A SOURCE may also be an address, s3://BUCKET/FOLDER or gs://, and a .parquet
    with a column of pictures.

    Examples:
      numeral score scans --out results.csv
      numeral score 'scans/*/*.png' --model lenet5 --out results.parquet
      numeral score --fields --checksum aba cheques.zip --out routing.jsonl
      find scans -newer last | numeral score @- --out - | jq .digit
      numeral score --engine ray s3://scans/2026 --out s3://results/2026

    Exit status:
      0    every picture was read, or the table was already complete
      1    some could not be read; their rows say why
      2    the command line is wrong, a SOURCE is missing, or OUT cannot be written
      3    the model cannot be used
      4    it failed, for example because the disk is full; the same command resumes
      130  interrupted (143: by SIGTERM); the same command resumes
      141  the reader of the output closed it
    """
    constraints = read_constraints(length, min_length, max_length, checksum)
    if not (fields or constraints.are_none):
        raise typer.BadParameter("lengths and a checksum apply to fields; add --fields")
    if fields and preprocess != "auto":
        raise typer.BadParameter("--preprocess applies to single digits; drop it or --fields")
    if engine == "local" and (address, column) != (None, None):
        raise typer.BadParameter("--address and --column apply to Ray; add --engine ray")
    if engine == "ray" and (out in ("", "-") or Path(out).suffix in _FILE_SUFFIXES):
        raise typer.BadParameter("Ray writes Parquet files into a folder; name it with --out")
    settings = read_settings(models_dir=models_dir)
    choice = _Choice(model, max_error, preprocess, constraints if fields else None)
    files = _Files(tuple(sources), out, workers, overwrite=overwrite)
    began = time.monotonic()
    try:
        with _sigterm_raises():
            if engine == "ray":
                summary = _score_on_ray(settings, choice, files, address, column)
            else:
                summary = _score_here(settings, choice, files)
    except (Exception, KeyboardInterrupt, Terminated) as error:
        raise typer.Exit(_explain(error, files)) from error
    if summary is None:
        typer.echo(f"{out} is already complete", err=True)
        raise typer.Exit
    _summarise(summary, time.monotonic() - began)
    raise typer.Exit(_SOME_UNREAD if summary.tally.failed else 0)


class Terminated(BaseException):
    """Raised by SIGTERM, so that a run can tidy up and say how to resume it."""


@dataclass(frozen=True)
class _Choice:
    # None leaves the model and the error rate to the settings, and means single digits.
    model: str | None
    max_error: float | None
    preprocess: str
    constraints: "Constraints | None"


@dataclass(frozen=True)
class _Files:
    sources: tuple[str, ...]
    out: str
    workers: int | None
    overwrite: bool

    @property
    def to_pipe(self) -> bool:
        return self.out == "-"

    @property
    def progress_is_shown(self) -> bool:
        # On one terminal the rows would tear the bar.
        return sys.stderr.isatty() and not (self.to_pipe and sys.stdout.isatty())


def _score_here(settings: Settings, choice: _Choice, files: _Files) -> "Summary | None":
    from service.scoring.job import score_to_file, score_to_pipe
    from service.scoring.writers import JsonLines, choose_writer

    writer = JsonLines() if files.to_pipe else choose_writer(Path(files.out))
    job = _job(settings, choice, files, writer)
    with picture_progress(shown=files.progress_is_shown) as bar:
        if files.to_pipe:
            return score_to_pipe(job, sys.stdout.buffer, bar)
        request = _request(settings, choice, job)
        return score_to_file(job, Path(files.out), request, bar, overwrite=files.overwrite)


def _score_on_ray(
    settings: Settings, choice: _Choice, files: _Files, address: str | None, column: str | None
) -> "Summary | None":
    from service.ray_cluster import prepare_ray

    prepare_ray(address, quiet=True)
    from service.scoring.ray import score_on_ray
    from service.scoring.writers import Parquet

    job = _job(settings, choice, files, Parquet())
    return score_on_ray(
        job,
        files.out,
        {**_request(settings, choice, job), "column": column},
        column=column,
        address=address,
        overwrite=files.overwrite,
        progress=files.progress_is_shown,
    )


def _job(settings: Settings, choice: _Choice, files: _Files, writer: "Writer") -> "Job":
    from service.scoring.job import Job
    from service.server.system import usable_cores

    method = _method(settings, choice)
    limit, cores = settings.max_body_bytes, usable_cores()
    return Job(method, writer, limit, files.sources, files.workers, cores)


def _method(settings: Settings, choice: _Choice) -> "Digits | Fields":
    """Return how pictures are read, with defaults from the settings.

    Raises:
        UnknownModel, ModelUnavailable, UnsupportedMaxError: the model cannot be used.
    """
    from service.inference.digits import DigitOptions, Preprocess
    from service.inference.fields import FieldOptions
    from service.scoring.reading import Digits, Fields

    catalogue, folder = load_models(settings), settings.models_dir
    if choice.constraints is None:
        options = DigitOptions(choice.model, choice.max_error, Preprocess(choice.preprocess))
        digits = catalogue.digits(
            options, max_error=settings.max_error, max_pixels=settings.max_pixels
        )
        card = digits.classifier.card
        return Digits(folder, card, digits.criteria, digits.preprocess, digits.max_pixels)
    fields = catalogue.fields(
        FieldOptions(choice.model, choice.max_error, choice.constraints),
        max_error=settings.field_max_error,
        max_pixels=settings.max_pixels,
    )
    card_of_reader = fields.reader.card
    return Fields(folder, card_of_reader, fields.threshold, fields.constraints, fields.max_pixels)


def _request(settings: Settings, choice: _Choice, job: "Job") -> dict[str, Any]:
    """Return everything that the rows depend on, as JSON values: a resumed run must match it."""
    constraints, card = choice.constraints, job.method.card
    default = settings.max_error if constraints is None else settings.field_max_error
    return {
        "version of numeral": version(),
        "sources": list(job.sources),
        "working folder": str(Path.cwd()),
        "model": f"{card.name} {card.version}",
        "max_error": default if choice.max_error is None else choice.max_error,
        "preprocess": choice.preprocess,
        "constraints": None if constraints is None else asdict(constraints),
        "limits": [settings.max_body_bytes, settings.max_pixels],
    }


def _explain(error: BaseException, files: _Files) -> int:
    """Print what ended a run, and return the exit status; anything unexpected is raised again."""
    from models.manifest import ModelFileError
    from service.errors import (
        ModelUnavailable,
        UnknownModel,
        UnsupportedMaxError,
    )
    from service.ray_cluster import NoCluster
    from service.scoring.checkpoint import CannotWrite
    from service.scoring.job import WorkerFailed
    from service.scoring.sources import NoSuchSource
    from service.scoring.writers import UnknownFormat

    resume = "" if files.to_pipe else "; finished rows are kept, and the same command resumes"
    match error:
        case NoCluster() | NoSuchSource() | CannotWrite() | UnknownFormat():
            print_error(error)
            return 2
        case UnknownModel() | ModelUnavailable() | UnsupportedMaxError() | ModelFileError():
            print_error(error)
            return NO_MODEL
        case BrokenPipeError():
            # Nobody is left to read what is buffered, or a message.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
        case WorkerFailed() | OSError():
            print_error(f"the run failed: {error}{resume}")
            return 4
        case KeyboardInterrupt() | Terminated():
            typer.echo(f"interrupted{resume}", err=True)
            return 143 if isinstance(error, Terminated) else 130
    raise error


def _summarise(summary: "Summary", seconds: float) -> None:
    tally = summary.tally
    rate = (tally.pictures - summary.before) / seconds
    before = f", {summary.before:,} of them by a run before" if summary.before else ""
    lines = (
        f"{tally.pictures:,} pictures{before}, in {seconds:.1f} s: {rate:,.0f} a second,"
        f" workers: {summary.workers}",
        f"  accepted {tally.accepted:>12,}",
        f"  review   {tally.reviewed:>12,}{_counts(tally.reasons)}",
        f"  failed   {tally.failed.total():>12,}{_counts(tally.failed)}",
    )
    typer.echo("\n".join(lines), err=True)


def _counts(counts: Counter[str]) -> str:
    named = ", ".join(f"{name} {count:,}" for name, count in counts.most_common())
    return f"  {named}" if named else ""


@contextmanager
def _sigterm_raises() -> Iterator[None]:
    def terminate(_number: int, _frame: FrameType | None) -> None:
        raise Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
