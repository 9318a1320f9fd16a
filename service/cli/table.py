"""`numeral table`: pages with a ruled table to CSV, without a server."""

import csv
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from service.cli import options
from service.cli.output import choose_pipeline, load_models

if TYPE_CHECKING:
    from service.forms.tables import Table, TableOptions
    from service.inference.fields import FieldOptions, FieldPipeline

_SOME_UNREAD = 1


def table(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Scans or photos; - reads standard input."),
    ],
    *,
    out: Annotated[
        Path | None, typer.Option(help="CSV file to write.", show_default="standard output")
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            help="What each column has, separated by commas: field, digit, amount, zip, date, or"
            " skip.",
            show_default="all are fields",
        ),
    ] = None,
    header: Annotated[int, typer.Option(min=0, help="Rows at the top that are not read.")] = 0,
    upright: Annotated[
        bool, typer.Option("--upright", help="The pages are upright; do not check.")
    ] = False,
    decimal: options.DecimalName = None,
    order: options.OrderName = None,
    model: options.ReaderName = None,
    max_error: options.MaxError = None,
    calibration: options.CalibrationName = None,
    page: options.AllPages = None,
    models_dir: options.ModelsDir = None,
) -> None:
    """Read ruled tables on scans or photos into a CSV file, without a server.

    A row of the file is a row of a table, after its file, page and number. An
    empty cell is empty; what needs review is ?, and the last column names it
    with the reasons and the best guess. All tables need as many columns.

    Examples:
      numeral table page.jpg --out rows.csv
      numeral table --columns date,field,amount,skip --header 1 logbook.pdf
      numeral table --upright --max-error 0.005 scans/*.png --out rows.csv

    Exit status:
      0  every page was read
      1  some could not be read
      2  the command line is wrong
      3  the reader cannot be used
    """
    from service.forms.tables import KINDS, Kind, TableOptions
    from service.inference.fields import FieldOptions

    kinds = cast(tuple[Kind, ...], tuple(columns.split(",")) if columns else ())
    if unknown := set(kinds) - set(KINDS):
        what = f"--columns: {', '.join(sorted(unknown))}; choose from {', '.join(KINDS)}"
        raise typer.BadParameter(what)
    settings = options.read_settings(models_dir=models_dir)
    fields = FieldOptions(model, max_error, calibration=calibration)
    wanted = TableOptions(fields, kinds, header, upright, decimal, order)
    choose = cast(Any, partial(choose_pipeline, settings, catalogue=load_models(settings)))
    choose(fields)  # a reader that cannot be used ends the command before a file is written
    tables = _tables(files, page, wanted, cache(choose), settings.max_pixels)
    try:
        target = out.open("w", newline="", encoding="utf-8") if out else nullcontext(sys.stdout)
    except OSError as error:
        raise typer.BadParameter(f"--out: {out}: {error.strerror}") from error
    with target as file:
        raise typer.Exit(_write(tables, csv.writer(file, lineterminator="\n")))


def _write(tables: "Iterator[tuple[str, int, Table | str]]", rows: Any) -> int:  # noqa: ANN401
    """Write the rows of `tables`, report what could not be read, and return the exit status."""
    from service.forms.tables import csv_header, csv_rows

    names: list[str] = []
    status = 0
    for file, page, read in tables:
        wrong = read if isinstance(read, str) else None
        if not isinstance(read, str):
            if not names:
                names = csv_header(read)
                rows.writerow(["file", "page", *names])
            if names == csv_header(read):
                rows.writerows([file, page, *row] for row in csv_rows(read))
            else:
                wrong = f"the table has {len(read.columns)} columns, the first has others"
        if wrong:
            typer.echo(f"{file}, page {page}: {wrong}", err=True)
            status = _SOME_UNREAD
    return status


def _tables(
    files: Sequence[Path],
    page: int | None,
    wanted: "TableOptions",
    pipeline_of: "Callable[[FieldOptions], FieldPipeline]",
    max_pixels: int,
) -> "Iterator[tuple[str, int, Table | str]]":
    """Yield the tables with their file and page, or why one could not be read."""
    from service.errors import InvalidRequest
    from service.forms.tables import read_at_once, read_table
    from service.imaging import UnreadableImage, decode

    for path in files:
        # A file name may be any bytes.
        name = os.fsencode(path).decode("utf-8", "backslashreplace")
        try:
            data, numbers = options.read_pages(path, page)
        except OSError as error:
            yield name, page or 1, str(error.strerror)
            continue
        except UnreadableImage as error:
            yield name, page or 1, str(error)
            continue
        for number in numbers:
            picture = partial(decode, data, max_pixels=max_pixels, whole=True, page=number)
            try:
                yield name, number, read_at_once(read_table(picture, wanted), pipeline_of)
            except (UnreadableImage, InvalidRequest) as error:
                yield name, number, str(error)
