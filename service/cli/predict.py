"""`numeral predict`: image files to digits, through the same steps as over HTTP."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import typer

from service.api.responses import prediction, to_json
from service.api.schemas import Prediction
from service.cli.loading import NO_MODEL, load_or_exit
from service.cli.reading import decision_cell, print_files
from service.errors import ModelUnavailable, UnknownModel, UnsupportedMaxError
from service.imaging import UnreadableImage
from service.inference.digits import DigitOptions, DigitPipeline, Preprocess
from service.settings import Settings

_COLUMNS = ("digit", "confidence", "decision")


def run(
    settings: Settings,
    files: Sequence[Path],
    *,
    model: str | None,
    max_error: float | None,
    preprocess: str,
    as_json: bool,
) -> int:
    """Read `files` and print what they say; the exit status."""
    catalogue = load_or_exit(settings)
    try:
        pipeline = catalogue.digits(
            DigitOptions(model, max_error, Preprocess(preprocess)),
            max_error=settings.max_error,
            max_pixels=settings.max_pixels,
        )
    except (UnknownModel, ModelUnavailable, UnsupportedMaxError) as error:
        typer.echo(f"error: {error}", err=True)
        return NO_MODEL
    return print_files(files, partial(_prediction, pipeline), _COLUMNS, _cells, as_json=as_json)


def _prediction(pipeline: DigitPipeline, data: bytes) -> Prediction:
    [outcome] = pipeline.read([data])
    if isinstance(outcome, UnreadableImage):
        raise outcome
    return Prediction.model_validate_json(to_json(prediction(outcome)))


def _cells(prediction: Prediction) -> tuple[str, ...]:
    digit = "-" if prediction.digit is None else str(prediction.digit)
    decision = decision_cell(prediction.decision, prediction.reasons)
    return digit, f"{prediction.confidence:.4f}", decision
