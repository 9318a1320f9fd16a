"""`GET /models`: the published models, how well they read, and whether they are served."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from models.manifest import ModelCard, StudyResult
from models.reader_card import FieldEvaluations, FieldOperatingPoint, ReaderCard
from models.records import Interval, Rate
from service.api.dependencies import state_of
from service.api.negotiation import require_json_accepted
from service.api.problems import problem_responses
from service.api.schemas import is_none
from service.errors import InvalidRequest, NotAcceptable, NotReady, UnknownModel
from service.feedback.recorder import Recorder
from service.feedback.records import AuditResult
from service.inference.calibrations import CalibratedPoint
from service.inference.catalogue import Catalogue

router = APIRouter(prefix="/models", tags=["models"])


class OperatingPointSummary(BaseModel):
    """What to expect at an error rate that a request may name as `max_error`.

    Measured on MNIST: it holds for single, upright digits written like those.
    """

    max_error: Rate
    threshold: Rate | None = Field(
        description="Lowest confidence accepted; null: no threshold was shown to keep the rate."
    )
    accepted: int = Field(description="Test images that are accepted.")
    errors: int = Field(description="Wrong answers among them.")
    read_rate: Rate = Field(description="Share of the test images that are accepted.")
    error_rate: Rate = Field(description="Share of wrong answers among the accepted ones.")
    error_rate_bound: Rate = Field(description="Upper 95% bound of that error rate.")


class _Availability(BaseModel):
    default: bool = Field(description="Whether it answers when a request names no model.")
    status: Literal["loaded", "failed"]
    reason: str | None = Field(description="Why it failed to load; null where it is loaded.")
    audit: AuditResult | None = Field(
        None,
        exclude_if=is_none,
        description="The error rate among accepted answers that people found; absent unless answers"
        " are audited.",
    )


class ModelSummary(_Availability):
    """The size of a model and how well it reads."""

    name: str
    title: str
    version: str
    parameters: int
    quantised: bool = Field(description="Whether weights and activations have eight bits.")
    accuracy: Rate = Field(description="On the 10,000 MNIST test images, of the served file.")
    accuracy_interval: Interval
    operating_points: tuple[OperatingPointSummary, ...]
    study: tuple[StudyResult, ...] = Field(
        description="Results of the plain recipe by number of epochs; empty for a model that was"
        " not in the study."
    )


class ReaderSummary(_Availability):
    """The size of a reader of fields and how well it reads held-out fields."""

    name: str
    title: str
    version: str
    parameters: int
    held_out: FieldEvaluations
    operating_points: tuple[FieldOperatingPoint, ...]


class CalibrationSummary(BaseModel):
    """Operating points of a model on a user's own pictures, or why they cannot be used."""

    name: str
    default: bool = Field(description="Whether it applies when a request names no calibration.")
    reason: str | None = Field(description="Why it cannot be used; null where it can.")
    model: str | None = None
    version: str | None = None
    created: datetime | None = None
    labels: str | None = Field(None, description="Where the right answers came from.")
    pictures: int | None = Field(None, description="Labelled pictures that could be read.")
    right: int | None = Field(None, description="How many of them the model read correctly.")
    operating_points: tuple[CalibratedPoint, ...] = ()


class ModelList(BaseModel):
    """The published models, in the manifest's order."""

    models: tuple[ModelSummary, ...]
    readers: tuple[ReaderSummary, ...] = Field(description="Models that read fields.")
    max_error: Rate = Field(description="The default of `max_error` for digits.")
    field_max_error: Rate = Field(description="The default of `max_error` for fields.")
    calibrations: tuple[CalibrationSummary, ...] = Field(
        description="Thresholds that were chosen on pictures of the users."
    )


class ModelDetail(_Availability, ModelCard):
    """The full card of a model, and whether it is served."""


class ReaderDetail(_Availability, ReaderCard):
    """The full card of a reader of fields, and whether it is served."""


@router.get(
    "",
    operation_id="list_models",
    summary="Compare the models",
    responses=problem_responses(NotAcceptable, NotReady),
)
async def list_models(request: Request) -> ModelList:
    """Size, accuracy, and the share of answers accepted at each error rate, of every model."""
    require_json_accepted(request)
    state = state_of(request)
    catalogue, settings = state["registry"].catalogue, state["settings"]
    recorder = state["recorder"]
    return ModelList(
        models=tuple(_summary(card, catalogue, recorder) for card in catalogue.cards.values()),
        readers=tuple(
            ReaderSummary(**dict(card), **_availability(card, catalogue, recorder))
            for card in catalogue.reader_cards.values()
        ),
        max_error=settings.max_error,
        field_max_error=settings.field_max_error,
        calibrations=tuple(_calibrations(catalogue)),
    )


@router.get(
    "/{name}",
    operation_id="get_model",
    summary="Show one model",
    responses=problem_responses(InvalidRequest, NotAcceptable, NotReady, UnknownModel),
)
async def get_model(request: Request, name: str) -> ModelDetail | ReaderDetail:
    """The full card of a model: its training, its measurements, its file."""
    require_json_accepted(request)
    state = state_of(request)
    catalogue, recorder = state["registry"].catalogue, state["recorder"]
    if reader := catalogue.reader_cards.get(name):
        return ReaderDetail(**dict(reader), **_availability(reader, catalogue, recorder))
    card = catalogue.card(name)
    return ModelDetail(**dict(card), **_availability(card, catalogue, recorder))


def _summary(card: ModelCard, catalogue: Catalogue, recorder: Recorder | None) -> ModelSummary:
    points = [
        OperatingPointSummary(**{**dict(point), **dict(point.test)})
        for point in card.operating_points
    ]
    shown = {**dict(card), **dict(card.test), "operating_points": points}
    return ModelSummary(**shown, **_availability(card, catalogue, recorder))


def _calibrations(catalogue: Catalogue) -> Iterator[CalibrationSummary]:
    defaults = [each.name for each in catalogue.default_calibrations.values()]
    for name, each in catalogue.calibrations.items():
        yield CalibrationSummary(**dict(each), default=name in defaults, reason=None)
    for name, reason in catalogue.calibration_failures.items():
        yield CalibrationSummary(name=name, default=False, reason=reason)


def _availability(
    card: ModelCard | ReaderCard, catalogue: Catalogue, recorder: Recorder | None
) -> dict[str, Any]:
    return {
        "default": card.name in (catalogue.default, catalogue.default_reader),
        "status": "failed" if card.name in catalogue.failures else "loaded",
        "reason": catalogue.failures.get(card.name),
        "audit": recorder.audit(card.name, card.version) if recorder else None,
    }
