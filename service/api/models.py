"""`GET /models`: what is published, how well it reads, and whether it is served."""

from typing import Any

from fastapi import APIRouter, Request

from models.manifest import ModelCard, OperatingPoint
from models.reader_card import ReaderCard
from service import errors
from service.api.negotiation import require_json_accepted
from service.api.problems import problem_responses
from service.api.schemas import (
    ModelDetail,
    ModelList,
    ModelSummary,
    OperatingPointSummary,
    ReaderDetail,
    ReaderSummary,
)
from service.api.state import registry_of
from service.errors import NotReady, UnknownModel
from service.inference.catalogue import Catalogue

router = APIRouter(prefix="/models", tags=["models"])


@router.get(
    "",
    operation_id="list_models",
    responses=problem_responses(errors.NotAcceptable, NotReady),
)
async def list_models(request: Request) -> ModelList:
    """Compare the models: size, accuracy, and what can be accepted at which error rate."""
    require_json_accepted(request)
    catalogue = registry_of(request).catalogue
    return ModelList(
        models=tuple(_summary(card, catalogue) for card in catalogue.cards.values()),
        readers=tuple(_reader_summary(card, catalogue) for card in catalogue.reader_cards.values()),
    )


@router.get(
    "/{name}",
    operation_id="get_model",
    responses=problem_responses(
        errors.InvalidRequest, errors.NotAcceptable, NotReady, UnknownModel
    ),
)
async def get_model(request: Request, name: str) -> ModelDetail | ReaderDetail:
    """Everything that is known of a model: its training, its measurements, its file."""
    require_json_accepted(request)
    catalogue = registry_of(request).catalogue
    if reader := catalogue.reader_cards.get(name):
        return ReaderDetail(**dict(reader), **_availability(reader, catalogue))
    card = catalogue.card(name)
    return ModelDetail(**dict(card), **_availability(card, catalogue))


def _summary(card: ModelCard, catalogue: Catalogue) -> ModelSummary:
    return ModelSummary(
        name=card.name,
        title=card.title,
        version=card.version,
        parameters=card.parameters,
        quantised=card.quantised,
        accuracy=card.test.accuracy,
        accuracy_interval=card.test.accuracy_interval,
        operating_points=tuple(_point(point) for point in card.operating_points),
        study=card.study,
        **_availability(card, catalogue),
    )


def _reader_summary(card: ReaderCard, catalogue: Catalogue) -> ReaderSummary:
    return ReaderSummary(
        name=card.name,
        title=card.title,
        version=card.version,
        parameters=card.parameters,
        held_out=card.held_out,
        operating_points=card.operating_points,
        **_availability(card, catalogue),
    )


def _availability(card: ModelCard | ReaderCard, catalogue: Catalogue) -> dict[str, Any]:
    return {
        "default": card.name in (catalogue.default, catalogue.default_reader),
        "status": "failed" if card.name in catalogue.failures else "loaded",
        "reason": catalogue.failures.get(card.name),
    }


def _point(point: OperatingPoint) -> OperatingPointSummary:
    return OperatingPointSummary(
        max_error=point.max_error,
        threshold=point.threshold,
        read_rate=point.test.read_rate,
        error_rate=point.test.error_rate,
        error_rate_bound=point.test.error_rate_bound,
    )
