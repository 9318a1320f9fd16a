"""`POST /predict` and `/predict/batch`: pictures in, predictions out."""

from fastapi import APIRouter, Request, Response

from service.api import errors
from service.api.answers import prediction, to_json
from service.api.batch_answer import write_answer
from service.api.negotiation import require_json_accepted
from service.api.openapi import batch_body, problem_responses, reading_operation, single_body
from service.api.parameters import wish_of
from service.api.problems import READING_ERRORS
from service.api.schemas import BatchAnswer, Prediction
from service.api.state import charge, engine_of, request_id_of, settings_of
from service.api.uploads import JSON, read_batch, read_picture
from service.imaging import PictureTooLarge, UnreadableImage, UnsupportedFormat

router = APIRouter(tags=["predict"])


@router.post(
    "/predict",
    operation_id="predict",
    response_model=Prediction,
    responses=problem_responses(
        *READING_ERRORS,
        errors.NotAcceptable,
        PictureTooLarge,
        UnreadableImage,
        UnsupportedFormat,
    ),
    openapi_extra=reading_operation(single_body()),
)
async def predict(request: Request) -> Response:
    """Read one digit.

    Send the bytes of the image file as they are, or as the form field `file`.
    """
    require_json_accepted(request)
    engine = engine_of(request)
    pipeline = engine.pipeline(wish_of(request))
    data = await read_picture(request)
    reading = await engine.read(pipeline, data)
    return Response(to_json(prediction(reading)), media_type=JSON)


@router.post(
    "/predict/batch",
    operation_id="predict_batch",
    response_model=BatchAnswer,
    responses=problem_responses(*READING_ERRORS, errors.NotAcceptable, errors.BatchTooLarge),
    openapi_extra=reading_operation(batch_body()),
)
async def predict_batch(request: Request) -> Response:
    """Read many digits, one to an image.

    Send form fields `files`, or JSON with Base64. An item that is no image, or none that can be
    read, has an `error` in place of an answer, and the others theirs.
    """
    require_json_accepted(request)
    engine = engine_of(request)
    pipeline = engine.pipeline(wish_of(request))
    items = await read_batch(request, max_batch=settings_of(request).max_batch)
    charge(request, len(items))
    files = [item.content for item in items if isinstance(item.content, bytes)]
    outcomes = await engine.read_many(pipeline, files)
    answer = await write_answer(items, outcomes, request_id_of(request))
    return Response(answer, media_type=JSON)
