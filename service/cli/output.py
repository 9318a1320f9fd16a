"""What commands print: tables, progress, errors."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from service.forms.reading import FormPipeline
    from service.inference.catalogue import Catalogue
    from service.inference.fields import Options, Pipeline
    from service.scoring.checkpoint import Progress
    from service.settings import Settings

# Exit status of every command that needs a model and has none.
NO_MODEL = 3


def print_error(message: object) -> None:
    """Print `message` to standard error."""
    typer.echo(f"error: {message}", err=True)


def choose_pipeline(
    settings: "Settings", options: "Options", catalogue: "Catalogue | None" = None
) -> "Pipeline":
    """Return the pipeline for `options`, with defaults from `settings`.

    The models are loaded unless `catalogue` has them.

    Raises:
        typer.Exit: with status 3, if the model cannot be used.
    """
    from service.errors import (
        ModelUnavailable,
        UnknownModel,
        UnsupportedMaxError,
        UnusableCalibration,
    )
    from service.inference.digits import DigitOptions

    catalogue, max_pixels = catalogue or load_models(settings), settings.max_pixels
    try:
        if isinstance(options, DigitOptions):
            return catalogue.digits(options, max_error=settings.max_error, max_pixels=max_pixels)
        return catalogue.fields(options, max_error=settings.field_max_error, max_pixels=max_pixels)
    except (UnknownModel, ModelUnavailable, UnsupportedMaxError, UnusableCalibration) as error:
        print_error(error)
        raise typer.Exit(NO_MODEL) from error


def choose_form(name: str, settings: "Settings") -> "FormPipeline":
    """Return the pipeline of a form, a file or one in the directory of `settings`.

    Raises:
        typer.BadParameter: there is no such form, or it cannot be used.
        typer.Exit: with status 3, if no model can be used.
    """
    from service.errors import NumeralError
    from service.forms.files import SUFFIXES, FormError
    from service.forms.registry import Forms, open_form, pipeline_from_catalogue

    catalogue, forms = load_models(settings), Forms(settings)
    try:
        if Path(name).suffix in SUFFIXES:
            return pipeline_from_catalogue(open_form(Path(name)), catalogue, settings)
        forms.load(catalogue)
        return pipeline_from_catalogue(forms.get(name), catalogue, settings)
    except (FormError, NumeralError) as error:
        raise typer.BadParameter(str(error)) from error


def load_models(settings: "Settings") -> "Catalogue":
    """Load the models of `settings`.

    Raises:
        typer.Exit: with status 3, if none can be used.
    """
    from service.inference.catalogue import NothingToServe, load_catalogue

    try:
        return load_catalogue(
            settings.models_dir,
            settings.default_model,
            settings.calibrations,
            settings.default_calibrations,
        )
    except NothingToServe as error:
        print_error(error)
        raise typer.Exit(NO_MODEL) from error


def print_table(
    columns: Sequence[str], rows: Iterable[Sequence[str]], *, header: bool = False
) -> None:
    """Print `rows` under `columns`: drawn on a terminal, tab-separated otherwise.

    With `header`, the names come first also when the table is not drawn.
    """
    if not sys.stdout.isatty():
        for row in (columns, *rows) if header else rows:
            typer.echo("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns)
    for row in rows:
        # As text, so that a file name in brackets is not read as a colour.
        table.add_row(*map(Text, row))
    Console().print(table)


@contextmanager
def picture_progress(*, shown: bool) -> "Iterator[Progress]":
    """Show on standard error how many pictures are listed, then how many are read, if `shown`."""
    from rich import progress
    from rich.console import Console
    from rich.text import Text

    class Rate(progress.ProgressColumn):
        def render(self, task: progress.Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:,.0f}/s")

    bar = progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.MofNCompleteColumn(),
        Rate(),
        progress.TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
        disable=not shown,
    )
    task = bar.add_task("listing", total=None)

    def tell(pictures: int, total: int | None) -> None:
        if total is not None and bar.tasks[0].total is None:
            bar.reset(task, description="reading", total=total)
        bar.update(task, completed=pictures)

    with bar:
        yield tell
