"""`numeral predict`: image files to digits, through the same steps as over HTTP."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import typer

from service.api.answers import prediction, to_json
from service.api.schemas import Prediction
from service.cli.loading import NO_MODEL, load_or_exit
from service.cli.tables import print_table
from service.imaging import UnreadableImage
from service.inference.catalogue import ModelUnavailable, UnknownModel
from service.pipeline import Pipeline, Preprocess, UnsupportedMaxError, Wish, choose_pipeline
from service.settings import Settings

_SOME_UNREAD = 1
_COLUMNS = ("digit", "confidence", "decision", "file")


@dataclass(frozen=True)
class _Line:
    file: Path
    prediction: Prediction


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
        pipeline = choose_pipeline(
            catalogue,
            Wish(model, max_error, Preprocess(preprocess)),
            max_error=settings.max_error,
            max_pixels=settings.max_pixels,
        )
    except (UnknownModel, ModelUnavailable, UnsupportedMaxError) as error:
        typer.echo(f"error: {error}", err=True)
        return NO_MODEL
    unread: list[Path] = []
    lines = _read(pipeline, files, unread)
    if as_json:
        _print_json(lines)
    else:
        print_table(_COLUMNS, (_cells(line) for line in lines))
    return _SOME_UNREAD if unread else 0


def _read(pipeline: Pipeline, files: Sequence[Path], unread: list[Path]) -> Iterator[_Line]:
    for file in files:
        try:
            yield _Line(file, _prediction(pipeline, file))
        except (OSError, UnreadableImage) as error:
            reason = error.reason if isinstance(error, UnreadableImage) else error.strerror
            typer.echo(f"{file}: {reason}", err=True)
            unread.append(file)


def _prediction(pipeline: Pipeline, file: Path) -> Prediction:
    [outcome] = pipeline.read([file.read_bytes()])
    if isinstance(outcome, UnreadableImage):
        raise outcome
    return Prediction.model_validate_json(to_json(prediction(outcome)))


def _print_json(lines: Iterator[_Line]) -> None:
    for line in lines:
        typer.echo(json.dumps({"file": str(line.file), **line.prediction.model_dump(mode="json")}))


def _cells(line: _Line) -> tuple[str, ...]:
    prediction = line.prediction
    digit = "-" if prediction.digit is None else str(prediction.digit)
    decision = prediction.decision.value
    if prediction.reasons:
        decision += f" ({', '.join(prediction.reasons)})"
    return digit, f"{prediction.confidence:.4f}", decision, str(line.file)
