"""`numeral read`: image files to fields of digits, through the same steps as over HTTP."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import typer

from models.fields.constraints import Constraints
from service.api.responses import field, to_json
from service.api.schemas import ReadField
from service.cli.loading import NO_MODEL, load_or_exit
from service.cli.reading import decision_cell, print_files
from service.errors import ModelUnavailable, UnknownModel, UnsupportedMaxError
from service.imaging import UnreadableImage
from service.inference.fields import FieldOptions, FieldPipeline
from service.settings import Settings

_COLUMNS = ("text", "raw", "confidence", "decision")


def run(
    settings: Settings,
    files: Sequence[Path],
    constraints: Constraints,
    *,
    model: str | None,
    max_error: float | None,
    as_json: bool,
) -> int:
    """Read `files` and print what they say; the exit status."""
    catalogue = load_or_exit(settings)
    try:
        pipeline = catalogue.fields(
            FieldOptions(model, max_error, constraints),
            max_error=settings.field_max_error,
            max_pixels=settings.max_pixels,
        )
    except (UnknownModel, ModelUnavailable, UnsupportedMaxError) as error:
        typer.echo(f"error: {error}", err=True)
        return NO_MODEL
    return print_files(files, partial(_field, pipeline), _COLUMNS, _cells, as_json=as_json)


def _field(pipeline: FieldPipeline, data: bytes) -> ReadField:
    [outcome] = pipeline.read([data])
    if isinstance(outcome, UnreadableImage):
        raise outcome
    return ReadField.model_validate_json(to_json(field(outcome)))


def _cells(read: ReadField) -> tuple[str, ...]:
    decision = decision_cell(read.decision, read.reasons)
    return read.text or "-", read.raw or "-", f"{read.confidence:.4f}", decision
