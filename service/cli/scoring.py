"""The command `numeral score` and its options."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from service.cli.arguments import (
    ChecksumName,
    Length,
    MaxError,
    MaxLength,
    MinLength,
    Model,
    ModelsDir,
    Preprocessing,
)
from service.cli.options import read_settings

_RAY_PANEL = "With --engine ray"

# What the local engine would write.
_FILES = (".csv", ".jsonl", ".ndjson")


def score(
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE...", help="Where the pictures are.")
    ],
    *,
    out: Annotated[
        str,
        typer.Option(
            help="File to write: .parquet, .csv or .jsonl; - writes JSON lines to standard output."
            " With --engine ray a folder."
        ),
    ] = "-",
    engine: Annotated[
        Literal["local", "ray"],
        typer.Option(help="Processes of its own, or Ray, on this machine or a cluster."),
    ] = "local",
    address: Annotated[
        str | None,
        typer.Option(
            help="A Ray cluster, as HOST:PORT; unset: Ray is started here.",
            rich_help_panel=_RAY_PANEL,
        ),
    ] = None,
    column: Annotated[
        str | None,
        typer.Option(
            help="Where the pictures of Parquet files are; unset: the one column of bytes.",
            rich_help_panel=_RAY_PANEL,
        ),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Begin anew, and replace the file if it is there.")
    ] = False,
    model: Model = None,
    max_error: MaxError = None,
    preprocess: Preprocessing = "auto",
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
            min=1, help="Processes that read; unset: a core each, fewer for a few pictures."
        ),
    ] = None,
    models_dir: ModelsDir = None,
) -> None:
    """Read any number of pictures into a table: Parquet, CSV or JSON lines.

    A SOURCE is a folder with all below it, a picture, a pattern in quotes, a
    .zip of pictures, a .npy of uint8 [N, height, width], or @FILE, a list with
    a path in each line; @- takes the list from standard input.

    Each picture has a row, in order; one that cannot be read has an error in it.
    Interrupted, the same command goes on where it was: what is done is kept in
    OUT.parts, and OUT is there only once it is whole.

    With --engine ray, OUT is a folder that gets Parquet files, and then _SUCCESS.
    A SOURCE may also be an address, s3://BUCKET/FOLDER or gs://, and a .parquet
    with a column of pictures.

    Examples:
      numeral score scans --out results.csv
      numeral score 'scans/*/*.png' --model lenet5 --out results.parquet
      numeral score --fields --checksum aba cheques.zip --out routing.jsonl
      find scans -newer last | numeral score @- --out - | jq .digit
      numeral score --engine ray s3://scans/2026 --out s3://results/2026

    Exit status:
      0    every picture was read
      1    some could not be read; their rows say why
      2    the command line is wrong, a SOURCE is not there, or OUT cannot be made
      3    the model cannot be used
      4    it broke off, as where the disk is full; the same command goes on
      130  it was interrupted (143: by SIGTERM); the same command goes on
      141  whoever read the output has left
    """
    from service.cli.constraints import read_constraints  # noqa: PLC0415
    from service.cli.score import run  # noqa: PLC0415
    from service.cli.score_job import Asked, ByRay  # noqa: PLC0415

    constraints = read_constraints(length, min_length, max_length, checksum)
    if not (fields or constraints.are_none):
        raise typer.BadParameter("lengths and a checksum are of fields; add --fields")
    if fields and preprocess != "auto":
        raise typer.BadParameter("--preprocess is of single digits; leave it or --fields out")
    if engine == "local" and (address, column) != (None, None):
        raise typer.BadParameter("--address and --column are of Ray; add --engine ray")
    if engine == "ray" and (out in ("", "-") or Path(out).suffix in _FILES):
        raise typer.BadParameter("Ray writes Parquet files into a folder; name it by --out")
    asked = Asked(
        tuple(sources),
        None if out == "-" else Path(out),
        model=model,
        max_error=max_error,
        preprocess=preprocess,
        constraints=constraints if fields else None,
        by_ray=ByRay(out, address, column) if engine == "ray" else None,
    )
    settings = read_settings(models_dir=models_dir)
    raise typer.Exit(run(settings, asked, overwrite=overwrite, workers=workers))
