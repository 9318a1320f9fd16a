"""`POST /predict` and `/predict/batch`: pictures in, predictions out."""

from collections.abc import Iterator, Sequence

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from service.api import errors
from service.api.disconnect import cancelled_on_disconnect
from service.api.negotiation import require_json_accepted
from service.api.openapi import batch_body, problem_responses, reading_operation, single_body
from service.api.parameters import wish_of
from service.api.problems import problem_of
from service.api.schemas import BatchAnswer, BatchFailure, BatchPrediction, Prediction
from service.api.state import engine_of, request_id_of, settings_of
from service.api.uploads import JSON, Item, read_batch, read_picture
from service.engine import DeadlineExceeded, NotReady
from service.imaging import PictureTooLarge, UnreadableImage, UnsupportedFormat
from service.inference.backlog import QueueFull
from service.inference.catalogue import ModelUnavailable, UnknownModel
from service.reader import Outcome, UnsupportedMaxError

_COMMON_ERRORS = (
    errors.MalformedBody,
    UnknownModel,
    errors.NotAcceptable,
    errors.BodyTooLarge,
    errors.UnsupportedMediaType,
    errors.InvalidRequest,
    UnsupportedMaxError,
    NotReady,
    ModelUnavailable,
    QueueFull,
    DeadlineExceeded,
)

router = APIRouter(tags=["predict"])


@router.post(
    "/predict",
    operation_id="predict",
    response_model=Prediction,
    responses=problem_responses(
        *_COMMON_ERRORS, PictureTooLarge, UnreadableImage, UnsupportedFormat
    ),
    openapi_extra=reading_operation(single_body()),
)
async def predict(request: Request) -> Response:
    """Read one digit.

    Send the bytes of the image file as they are, or as the form field `file`.
    """
    require_json_accepted(request)
    engine = engine_of(request)
    reader = engine.reader(wish_of(request))
    data = await read_picture(request)
    async with cancelled_on_disconnect(request):
        reading = await engine.read(reader, data)
    return _json(Prediction.from_reading(reading))


@router.post(
    "/predict/batch",
    operation_id="predict_batch",
    response_model=BatchAnswer,
    responses=problem_responses(*_COMMON_ERRORS, errors.BatchTooLarge),
    openapi_extra=reading_operation(batch_body()),
)
async def predict_batch(request: Request) -> Response:
    """Read many digits, one to an image.

    Send form fields `files`, or JSON with Base64. An image that cannot be read has an `error` in
    place of an answer, and the others theirs.
    """
    require_json_accepted(request)
    engine = engine_of(request)
    reader = engine.reader(wish_of(request))
    items = await read_batch(request, max_batch=settings_of(request).max_batch)
    files = [item.content for item in items if isinstance(item.content, bytes)]
    async with cancelled_on_disconnect(request):
        outcomes = iter(await engine.read_many(reader, files))
    answers = tuple(_batch_answers(items, outcomes, request_id_of(request)))
    return _json(BatchAnswer(predictions=answers))


def _batch_answers(
    items: Sequence[Item], outcomes: Iterator[Outcome], request_id: str
) -> Iterator[BatchPrediction | BatchFailure]:
    for index, item in enumerate(items):
        outcome = next(outcomes) if isinstance(item.content, bytes) else item.content
        if isinstance(outcome, UnreadableImage):
            error = problem_of(outcome, request_id)
            yield BatchFailure(index=index, id=item.id, error=error)
        else:
            yield BatchPrediction(index=index, id=item.id, **dict(Prediction.from_reading(outcome)))


def _json(answer: BaseModel) -> Response:
    return Response(answer.model_dump_json(), media_type=JSON)
