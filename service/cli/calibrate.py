"""`numeral calibrate`: thresholds for a user's own pictures, from those with known answers."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from service.cli.options import ModelsDir, read_settings
from service.cli.output import choose_pipeline, load_models, print_error, print_table
from service.settings import Settings

if TYPE_CHECKING:
    from service.inference.calibrations import Calibration
    from service.inference.fields import Pipeline

_NOTHING_SHOWN = 1
_NO_DATABASE = 3
_MOST_NAMED = 5  # unreadable pictures


class Labelled(NamedTuple):
    """A picture, and what is written on it."""

    name: str
    content: Any
    text: str


def calibrate(
    labels: Annotated[
        Path | None,
        typer.Argument(
            metavar="LABELS", help="A CSV or Parquet table: a picture and its text in each row."
        ),
    ] = None,
    *,
    pictures: Annotated[
        Path | None,
        typer.Option(help="Folder that the paths start from; unset: the folder of LABELS."),
    ] = None,
    feedback: Annotated[
        str | None,
        typer.Option(
            metavar="DATABASE", help="Take the answered digits of this feedback database instead."
        ),
    ] = None,
    out: Annotated[
        Path, typer.Option(help="File to write; its name is that of the calibration.")
    ] = Path("calibration.json"),
    model: Annotated[
        str | None, typer.Option(help="The model, or the reader of fields, to calibrate.")
    ] = None,
    path_column: Annotated[str, typer.Option(help="Column of the paths.")] = "path",
    label_column: Annotated[
        str, typer.Option(help="Column of the texts; an empty one means that nothing is written.")
    ] = "label",
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an existing file.")
    ] = False,
    models_dir: ModelsDir = None,
) -> None:
    """Choose thresholds on your own labelled pictures, and say what error rate they show.

    Every picture is read as the service reads it. For each error rate the
    most lenient threshold is chosen at which the pictures show, with 95%
    confidence, that the rate is kept (exact binomial tests). Where they are
    too few, the table says how many more are needed. Take pictures at random
    from those that will be read: the promise holds for pictures like them.

    Start the service with --calibrations FOLDER, and name the calibration in a
    request (?calibration=NAME) or in --default-calibrations.

    Examples:
      numeral calibrate labels.csv --out calibrations/bank-a.json
      numeral calibrate amounts.parquet --model reader --out calibrations/amounts.json
      numeral calibrate --feedback sqlite:///numeral-feedback.db --out mine.json

    Exit status:
      0  a threshold was found for at least one error rate
      1  for none; the file is written, and accepts nothing
      2  the command line or the table is wrong
      3  the model or the database cannot be used
    """
    from service.inference.calibrations import calibrate as fit

    if (labels is None) == (feedback is None):
        raise typer.BadParameter("name either LABELS or --feedback")
    if out.exists() and not overwrite:
        raise typer.BadParameter(f"{out} exists; --overwrite replaces it", param_hint="--out")
    if not out.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {out.parent}", param_hint="--out")
    settings = read_settings(models_dir=models_dir)
    # The model itself is calibrated, not what an earlier calibration made of it.
    settings = settings.model_copy(update={"calibrations": None, "default_calibrations": ()})
    pipeline = _pipeline(settings, model)
    if labels is None:
        rows = list(_answered_digits(feedback or "", pipeline))
    else:
        rows = list(_rows(labels, pictures or labels.parent, path_column, label_column))
    readings, texts, inks = _read(pipeline, rows)
    if not readings:
        raise typer.BadParameter("no labelled picture could be read")
    calibration = fit(readings, texts, name=out.stem, labels=str(labels or feedback), inks=inks)
    try:
        calibration.save(out)
    except OSError as error:
        raise typer.BadParameter(
            f"{out}: cannot be written: {error.strerror}", param_hint="--out"
        ) from error
    _print(calibration, unread=len(rows) - len(readings))
    shown = any(point.threshold is not None for point in calibration.operating_points)
    raise typer.Exit(0 if shown else _NOTHING_SHOWN)


def _pipeline(settings: Settings, model: str | None) -> "Pipeline":
    from service.inference.digits import DigitOptions, DigitPipeline
    from service.inference.fields import FieldOptions

    catalogue = load_models(settings)
    options = FieldOptions(model) if model in catalogue.reader_cards else DigitOptions(model)
    pipeline = choose_pipeline(settings, options, catalogue)
    if isinstance(pipeline, DigitPipeline):
        # The published threshold must not make a picture an outlier.
        pipeline = replace(pipeline, criteria=replace(pipeline.criteria, threshold=None))
    return pipeline


def _rows(labels: Path, folder: Path, path_column: str, label_column: str) -> Iterator[Labelled]:
    table: Iterable[dict[str, Any]]
    try:
        if labels.suffix.lower() == ".parquet":
            table = _parquet(labels)
        else:
            with labels.open(newline="", encoding="utf-8-sig") as file:
                table = list(csv.DictReader(file, strict=True))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise typer.BadParameter(f"{labels}: {error}") from error
    for number, row in enumerate(table, 1):
        if missing := {path_column, label_column} - row.keys():
            raise typer.BadParameter(
                f"{labels} has no column {', '.join(sorted(missing))}; its columns are"
                f" {', '.join(map(str, row))}"
            )
        path, text = row[path_column], str("" if row[label_column] is None else row[label_column])
        if not path or not (text == "" or (text.isascii() and text.isdigit())):
            raise typer.BadParameter(
                f"{labels}, row {number}: {path!r} has the label {text!r}; a label consists of"
                " digits, or is empty if nothing is written"
            )
        yield Labelled(str(path), folder / str(path), text)


def _parquet(labels: Path) -> list[dict[str, Any]]:
    from service.extras import how_to_install

    try:
        from pyarrow import ArrowException, parquet
    except ModuleNotFoundError as error:
        raise typer.BadParameter(
            f"Parquet requires pyarrow: {how_to_install('parquet')}"
        ) from error
    try:
        return list(parquet.read_table(labels).to_pylist())
    except ArrowException as error:
        raise typer.BadParameter(f"{labels}: {error}") from error


def _answered_digits(database: str, pipeline: "Pipeline") -> Iterator[Labelled]:
    from service.errors import FeedbackUnavailable
    from service.imaging import unchanged
    from service.inference.digits import DigitPipeline

    settings = read_settings(feedback=True, feedback_database=database)
    from service.feedback.store import Store, pixels_of  # requires the extra `feedback`

    if not isinstance(pipeline, DigitPipeline):
        raise typer.BadParameter("feedback calibrates models for single digits only")
    store = Store(str(settings.feedback_database), create=False)
    try:
        for row in store.labelled_digits():
            yield Labelled(
                row["request_id"], unchanged(pixels_of(row["image"])), row["answer"] or ""
            )
    except FeedbackUnavailable as error:
        print_error(error)
        raise typer.Exit(_NO_DATABASE) from error
    finally:
        store.close()


def _read(
    pipeline: Any,  # noqa: ANN401 - for digits or fields
    rows: list[Labelled],
) -> tuple[list[Any], list[str], list[Any]]:
    """Return the readings of the pictures that can be read, their texts, and their ink."""
    from rich.console import Console
    from rich.progress import track

    from service.imaging import UnreadableImage

    readings, texts, inks, unread = [], [], [], 0
    step = pipeline.largest
    starts = range(0, len(rows), step)
    for start in track(starts, "reading", console=Console(stderr=True), transient=True):
        part = rows[start : start + step]
        contents = [_content(row.content) for row in part]
        inputs = [pipeline.normalise(pipeline.decode(content)) for content in contents]
        for row, item, outcome in zip(part, inputs, pipeline.read(inputs), strict=True):
            if not isinstance(outcome, UnreadableImage):
                readings.append(outcome)
                texts.append(row.text)
                inks.append(item.ink)
                continue
            unread += 1
            if unread <= _MOST_NAMED:
                typer.echo(f"{row.name}: {outcome}", err=True)
    if unread > _MOST_NAMED:
        typer.echo(f"and {unread - _MOST_NAMED:,} more", err=True)
    return readings, texts, inks


def _content(source: Any) -> Any:  # noqa: ANN401 - a path, or a picture already
    from models.manifest import read_regular_file
    from service.imaging import UnreadableImage

    if not isinstance(source, Path):
        return source
    try:
        return read_regular_file(source)
    except OSError as error:
        return UnreadableImage(str(error.strerror))


def _print(calibration: "Calibration", *, unread: int) -> None:
    rows = []
    for point in calibration.operating_points:
        found = point.found
        if point.threshold is None:
            labelled = round(point.missing * calibration.pictures / max(1, calibration.right))
            shown = ("-", "-", "-", "-", "-", f"{point.missing:,} (label about {labelled:,})")
        else:
            shown = (
                f"{point.threshold:.7f}",
                f"{found.read_rate:.2%}",
                f"{found.accepted:,}",
                f"{found.errors:,}",
                f"{found.error_rate_bound:.3%}",
                "0",
            )
        rows.append((f"{point.max_error:.2%}", *shown))
    columns = ("threshold", "read rate", "accepted", "errors", "at most (95%)", "missing")
    print_table(("error rate", *columns), rows, header=True)
    typer.echo(
        f"{calibration.model} {calibration.version}: {calibration.right:,} of"
        f" {calibration.pictures:,} pictures read correctly"
        f" ({calibration.right / calibration.pictures:.2%}), {unread:,} could not be read;"
        f" temperature {calibration.temperature:.3f}",
        err=True,
    )
