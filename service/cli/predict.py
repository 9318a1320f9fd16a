"""`numeral predict` and `numeral read`: image files to digits and fields, without a server."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli import options
from service.cli.output import choose_pipeline, print_table
from service.cli.score import describe_form, run_job

if TYPE_CHECKING:
    from service.inference.fields import Pipeline

_SOME_UNREAD = 1
_VALUES = ("amount", "date")
_READ = ("digit", "text", *_VALUES, "raw")
_NO_ANSWER = "?"


def predict(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Images of one digit; - reads standard input."),
    ],
    *,
    model: options.Model = None,
    max_error: options.MaxError = None,
    calibration: options.CalibrationName = None,
    preprocess: options.PreprocessName = "auto",
    page: Annotated[int, typer.Option(min=1, help="Page of a PDF or a TIFF to read.")] = 1,
    json: options.AsJson = False,
    models_dir: options.ModelsDir = None,
) -> None:
    """Read digits from image files, without a server. For many files, use numeral score.

    What needs review has the digit ?, and the best guess after the reasons.

    Examples:
      numeral predict seven.png
      numeral predict --model lenet5 --max-error 0.0005 --json scans/*.png
      curl -s https://example.com/seven.png | numeral predict -

    Exit status:
      0  every file was read
      1  some could not be read
      2  the command line is wrong
      3  the model cannot be used
    """
    from service.api.responses import prediction
    from service.inference.digits import DigitOptions, Preprocess

    settings = options.read_settings(models_dir=models_dir)
    wanted = DigitOptions(model, max_error, Preprocess(preprocess), calibration)
    pipeline = choose_pipeline(settings, wanted)
    columns = ("digit", "confidence", "decision")
    raise typer.Exit(_print_files(files, pipeline, prediction, columns, page, as_json=json))


def read(
    files: Annotated[
        list[Path],
        typer.Argument(metavar="FILE...", help="Images of several digits; - reads standard input."),
    ],
    *,
    length: options.Length = None,
    min_length: options.MinLength = None,
    max_length: options.MaxLength = None,
    checksum: options.ChecksumName = None,
    format_name: options.FormatName = None,
    decimal: options.DecimalName = None,
    order: options.OrderName = None,
    expected: Annotated[
        str | None, typer.Option(help="The expected amount, such as 125.75; another needs review.")
    ] = None,
    model: options.ReaderName = None,
    max_error: options.MaxError = None,
    calibration: options.CalibrationName = None,
    page: options.AllPages = None,
    json: options.AsJson = False,
    form: options.FormName = None,
    out: Annotated[
        str, typer.Option(help="With --form, the table: .csv, .parquet or .jsonl.")
    ] = "-",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="With --form, start over.")
    ] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, help="With --form, processes that read.")
    ] = None,
    models_dir: options.ModelsDir = None,
) -> None:
    """Read fields of several digits from image files, without a server.

    Each page of a PDF or a TIFF is a field, unless --page names one.

    What needs review has the text ?, and the best guess after the reasons. With
    --format amount or date the first column is the amount or the date.

    Examples:
      numeral read amount.png
      numeral read --format zip zip.png
      numeral read --format amount --expected 125.75 cheque-17.png
      numeral read --checksum aba --json routing-*.png
      numeral read --page 2 scans.pdf
      numeral read --form cheque.yaml scans/*.tif --out cheques.csv

    With --form a FILE has pages of that form, or is any SOURCE of numeral
    score --form, which has more options and says what the table has.

    Exit status:
      0  every file was read
      1  some could not be read
      2  the command line is wrong
      3  the reader cannot be used
    """
    from service.api.responses import field
    from service.inference.fields import FieldOptions

    constraints, notation = options.read_rules(
        length, min_length, max_length, checksum, format_name, decimal, order, expected
    )
    settings = options.read_settings(models_dir=models_dir)
    given = (model, max_error, calibration, notation.format, page, json or None)
    if form is None and (out != "-" or overwrite or workers):
        raise typer.BadParameter("--out, --overwrite and --workers apply to forms; add --form")
    if form is not None:
        if not constraints.are_none or any(each is not None for each in given):
            raise typer.BadParameter("the file of the form says how fields are read, of all pages")
        sources = list(map(str, files))
        describe = partial(describe_form, form, settings)
        run_job(settings, describe, sources, out, workers=workers, overwrite=overwrite)
    wanted = FieldOptions(model, max_error, constraints, calibration, notation)
    pipeline = choose_pipeline(settings, wanted)
    first = format_name if format_name in _VALUES else "text"
    columns = (first, "raw", "confidence", "decision")
    raise typer.Exit(_print_files(files, pipeline, field, columns, page, as_json=json))


def _print_files(
    files: Sequence[Path],
    pipeline: "Pipeline",
    answer: Callable[[Any], dict[str, Any]],
    columns: Sequence[str],
    page: int | None,
    *,
    as_json: bool,
) -> int:
    """Print what `pipeline` reads on `page`, or all, of `files`, and return the exit status.

    A file or page that cannot be read is reported on standard error.
    """
    import orjson

    unread: list[Path] = []
    answers = _answers(files, pipeline, answer, page, unread)
    if as_json:
        for each in answers:
            typer.echo(orjson.dumps(each, option=orjson.OPT_SERIALIZE_NUMPY))
    else:
        rows = (
            [*(_cell(name, each) for name in columns), _place(each["file"], each.get("page"))]
            for each in answers
        )
        print_table([*columns, "file"], rows)
    return _SOME_UNREAD if unread else 0


def _answers(
    files: Sequence[Path],
    pipeline: "Pipeline",
    answer: Callable[[Any], dict[str, Any]],
    page: int | None,
    unread: list[Path],
) -> Iterator[dict[str, Any]]:
    from service.imaging import UnreadableImage

    for file in files:
        for number, outcome in _outcomes(file, pipeline, page):
            if isinstance(outcome, UnreadableImage):
                typer.echo(f"{_place(file, number)}: {outcome}", err=True)
                unread.append(file)
            else:
                # A file name may be any bytes.
                name = os.fsencode(file).decode("utf-8", "backslashreplace")
                place = {"file": name} if number is None else {"file": name, "page": number}
                yield {**place, **answer(outcome)}


def _outcomes(
    file: Path, pipeline: "Pipeline", page: int | None
) -> Iterator[tuple[int | None, Any]]:
    """Yield what is read on `page`, or on all with their numbers if there are several."""
    from service.imaging import UnreadableImage

    try:
        content, pages = options.read_pages(file, page)
    except IsADirectoryError:
        yield None, UnreadableImage("this is a directory; numeral score reads directories")
    except OSError as error:
        yield None, UnreadableImage(str(error.strerror))
    except UnreadableImage as error:
        yield None, error
    else:
        for number in pages:
            [outcome] = replace(pipeline, page=number).read([content])
            yield number if len(pages) > 1 else None, outcome


def _place(file: object, page: int | None) -> str:
    return str(file) if page is None else f"{file}, page {page}"


def _cell(column: str, answer: dict[str, Any]) -> str:
    value, needs_review = _plain(answer[column]), answer["decision"] == "review"
    if column == "confidence":
        return f"{value:.4f}"
    if column == "decision" and needs_review:
        guesses = (_plain(answer.get(name)) for name in (*_VALUES, "text", "digit"))
        guess = next((each for each in guesses if each is not None), None)
        perhaps = "" if guess is None else f", perhaps {guess}"
        return f"{value} ({', '.join(answer['reasons'])}){perhaps}"
    # A best guess must not look like an answer, nor be taken for one by a script.
    return _NO_ANSWER if needs_review and column in _READ else str(value)


def _plain(value: Any) -> Any:  # noqa: ANN401 - JSON
    return value["value"] if isinstance(value, dict) else value
