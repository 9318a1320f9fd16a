"""`numeral score`: any number of pictures to a table."""

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from service.cli import options
from service.cli.output import NO_MODEL, choose_form, choose_pipeline, picture_progress, print_error
from service.version import version

if TYPE_CHECKING:
    from service.scoring.forms import FormMethod
    from service.scoring.job import Job, Summary
    from service.scoring.reading import Method
    from service.settings import Settings

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
    path_column: Annotated[
        str | None,
        typer.Option(
            help="The column of a table with the paths of the pictures.", show_default="path"
        ),
    ] = None,
    column: Annotated[
        str | None,
        typer.Option(
            help="The column of a Parquet file with the pictures themselves; unset takes the only"
            " one of bytes."
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Start over, and replace an existing file.")
    ] = False,
    model: options.Model = None,
    max_error: options.MaxError = None,
    calibration: options.CalibrationName = None,
    preprocess: options.PreprocessName = "auto",
    form: options.FormName = None,
    fields: Annotated[
        bool, typer.Option("--fields", help="Each picture is a field of several digits.")
    ] = False,
    length: options.Length = None,
    min_length: options.MinLength = None,
    max_length: options.MaxLength = None,
    checksum: options.ChecksumName = None,
    format_name: options.FormatName = None,
    decimal: options.DecimalName = None,
    order: options.OrderName = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, help="Processes that read; unset: one per core, fewer for a few pictures."
        ),
    ] = None,
    models_dir: options.ModelsDir = None,
) -> None:
    """Read any number of pictures into a table: Parquet, CSV or JSON lines.

    A SOURCE is a folder with everything below it, a picture, a pattern in
    quotes, a .zip of pictures, a .npy of uint8 [N, height, width], or @FILE, a
    list with a path in each line; @- reads the list from standard input.

    A SOURCE may also be a table, .csv, .jsonl or .parquet, with a path in each
    row, relative to the table; Parquet may have the pictures themselves. All
    its other columns are copied to the result; one whose name the result has
    already becomes input_NAME.

    What is no picture by name and content, such as Thumbs.db or text, is
    skipped in folders and archives, and counted.

    Each picture has a row, in order; the row of an unreadable one has an error.
    After an interruption the same command resumes: finished rows are kept in
    OUT.parts, and OUT appears once it is complete. Repeating a complete run
    does nothing.

    With --form, each page of a file is a page of that form, and has a row with
    three columns for each field: its value if it is accepted, a guess if it
    needs review, and the reasons.

    With --engine ray, OUT is a folder of Parquet files, and then _SUCCESS.
    A SOURCE may also be an address, s3://BUCKET/FOLDER or gs://.

    Examples:
      numeral score scans --out results.csv
      numeral score 'scans/*/*.png' --model lenet5 --out results.parquet
      numeral score --fields --checksum aba cheques.zip --out routing.jsonl
      numeral score --fields --format amount cheques.zip --out amounts.csv
      numeral score --form cheque.yaml scans --out cheques.csv
      numeral score manifest.csv --path-column scan --out results.csv
      find scans -newer last | numeral score @- --out - | jq .digit
      numeral score --engine ray s3://scans/2026 --out s3://results/2026

    Exit status:
      0    every picture was read, or the table was already complete
      1    some could not be read; their rows say why
      2    the command line is wrong, a SOURCE is missing, or OUT is not writable
      3    the model cannot be used
      4    it failed, for example on a full disk; the same command resumes
      130  interrupted (143: by SIGTERM); the same command resumes
      141  the reader of the output closed it
    """
    constraints, notation = options.read_rules(
        length, min_length, max_length, checksum, format_name, decimal, order
    )
    if not (fields or (constraints.are_none and notation.format is None)):
        raise typer.BadParameter("lengths, a checksum and a format apply to fields; add --fields")
    if fields and preprocess != "auto":
        raise typer.BadParameter("--preprocess applies to single digits; drop it or --fields")
    if engine == "local" and address is not None:
        raise typer.BadParameter("--address applies to Ray; add --engine ray")
    if None not in (path_column, column):
        raise typer.BadParameter("pictures are in --column or named in --path-column, not both")
    if engine == "ray" and (out in ("", "-") or Path(out).suffix in _FILE_SUFFIXES):
        raise typer.BadParameter("Ray writes Parquet files into a folder; name it with --out")
    given = (model, max_error, calibration)
    if form and (fields or preprocess != "auto" or any(each is not None for each in given)):
        raise typer.BadParameter(
            "the file of the form says how its fields are read; drop the others"
        )
    settings = options.read_settings(models_dir=models_dir)

    def describe() -> "tuple[Method | FormMethod, dict[str, Any]]":
        from service.inference.digits import DigitOptions, Preprocess
        from service.inference.fields import FieldOptions
        from service.scoring.reading import Method

        if form is not None:
            return describe_form(form, settings)
        pipeline = choose_pipeline(
            settings,
            FieldOptions(model, max_error, constraints, calibration, notation)
            if fields
            else DigitOptions(model, max_error, Preprocess(preprocess), calibration),
        )
        method = Method.of(pipeline, settings.models_dir)
        default = settings.field_max_error if fields else settings.max_error
        return method, {
            "model": f"{pipeline.name} {method.card.version}",
            "max_error": default if max_error is None else max_error,
            "calibration": [calibration, *settings.default_calibrations],
            "preprocess": preprocess,
            "constraints": asdict(constraints),
            "notation": asdict(notation),
            "fields": fields,
        }

    places = (path_column, column)
    ray = (address,) if engine == "ray" else None
    run_job(settings, describe, sources, out, places, workers, ray, overwrite=overwrite)


def run_job(
    settings: "Settings",
    describe: "Callable[[], tuple[Method | FormMethod, dict[str, Any]]]",
    sources: list[str],
    out: str,
    places: tuple[str | None, str | None] = (None, None),
    workers: int | None = None,
    ray: tuple[str | None] | None = None,
    *,
    overwrite: bool,
) -> None:
    """Read `sources` into the table `out`, and print what came of it.

    `describe` loads models, which takes time, and returns how pictures are read, and all that the
    rows depend on by name. `places` are the columns of tables with paths and with pictures. `ray`
    has the address of a Ray cluster, or None to start one; without `ray`, local processes read.

    Raises:
        typer.Exit: always, with the exit status of `score`.
    """
    began = time.monotonic()
    try:
        with _sigterm_raises():
            from service.scoring.job import Job
            from service.scoring.tables import Columns
            from service.scoring.writers import JsonLines, choose_writer
            from service.server.system import usable_cores

            method, depends = describe()
            job = Job(
                method,
                JsonLines() if out == "-" or ray else choose_writer(Path(out)),
                settings.max_body_bytes,
                tuple(sources),
                workers,
                usable_cores(),
                Columns(*places),
            )
            # A run resumes only if nothing that its rows depend on has changed.
            request = {
                "version of numeral": version(),
                "sources": sources,
                "working folder": str(Path.cwd()),
                "columns": list(places),
                "limits": [settings.max_body_bytes, settings.max_pixels],
                **depends,
            }
            if ray:
                summary = _score_on_ray(job, out, request, ray[0], overwrite=overwrite)
            else:
                summary = _score_here(job, out, request, overwrite=overwrite)
    except (Exception, KeyboardInterrupt, Terminated) as error:
        raise typer.Exit(_explain(error, resumes=out != "-")) from error
    if summary is None:
        typer.echo(f"{out} is already complete", err=True)
        raise typer.Exit
    _summarise(summary, time.monotonic() - began)
    raise typer.Exit(_SOME_UNREAD if summary.tally.failed else 0)


def describe_form(name: str, settings: "Settings") -> "tuple[FormMethod, dict[str, Any]]":
    """Return how pages of a form are read, and all that their rows depend on.

    Raises:
        typer.BadParameter: there is no such form, or its file is wrong.
    """
    from service.scoring.forms import FormMethod

    pipeline = choose_form(name, settings)
    method = FormMethod.of(pipeline, settings.models_dir)
    return method, {
        "form": pipeline.form.model_dump(mode="json"),
        "models": [f"{card.name} {card.version}" for card in method.cards],
        "error rates": [settings.max_error, settings.field_max_error],
        "calibration": list(settings.default_calibrations),
    }


class Terminated(BaseException):
    """Raised by SIGTERM, so that a run can tidy up and say how to resume it."""


def _score_here(
    job: "Job", out: str, request: dict[str, Any], *, overwrite: bool
) -> "Summary | None":
    from service.scoring.job import score_to_file, score_to_pipe

    # On one terminal the rows would tear the bar.
    shown = sys.stderr.isatty() and not (out == "-" and sys.stdout.isatty())
    with picture_progress(shown=shown) as bar:
        if out == "-":
            return score_to_pipe(job, sys.stdout.buffer, bar)
        return score_to_file(job, Path(out), request, bar, overwrite=overwrite)


def _score_on_ray(
    job: "Job", out: str, request: dict[str, Any], address: str | None, *, overwrite: bool
) -> "Summary | None":
    from service.ray_cluster import prepare_ray

    prepare_ray(address, quiet=True)
    from service.scoring.ray import score_on_ray

    shown = sys.stderr.isatty()
    return score_on_ray(job, out, request, address=address, overwrite=overwrite, progress=shown)


def _explain(error: BaseException, *, resumes: bool) -> int:
    """Print what ended a run, and return the exit status; anything unexpected is raised again."""
    from models.manifest import ModelFileError
    from service.ray_cluster import NoCluster
    from service.scoring.checkpoint import CannotWrite
    from service.scoring.job import WorkerFailed
    from service.scoring.pieces import UnreadableContent
    from service.scoring.sources import NoSuchSource
    from service.scoring.writers import UnknownFormat

    how_to_resume = "; finished rows are kept, and the same command resumes" if resumes else ""
    match error:
        case NoCluster() | NoSuchSource() | UnreadableContent() | CannotWrite() | UnknownFormat():
            print_error(error)
            return 2
        case ModelFileError():
            print_error(error)
            return NO_MODEL
        case BrokenPipeError():
            # Nobody is left to read what is buffered, or a message.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
        case WorkerFailed() | OSError():
            print_error(f"the run failed: {error}{how_to_resume}")
            return 4
        case KeyboardInterrupt() | Terminated():
            typer.echo(f"interrupted{how_to_resume}", err=True)
            return 143 if isinstance(error, Terminated) else 130
    raise error


def _summarise(summary: "Summary", seconds: float) -> None:
    tally = summary.tally
    rate = (tally.pictures - summary.before) / seconds
    before = f", {summary.before:,} of them by a run before" if summary.before else ""
    lines = [
        f"{tally.pictures:,} pictures{before}, in {seconds:.1f} s: {rate:,.1f} a second,"
        f" workers: {summary.workers}",
        f"  accepted {tally.accepted:>12,}",
        f"  review   {tally.reviewed:>12,}{_counts(tally.reasons)}",
        f"  failed   {tally.failed.total():>12,}{_counts(tally.failed)}",
    ]
    if summary.skipped:
        lines.append(f"  skipped  {summary.skipped:>12,}  no pictures")
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
