"""`POST /predict` and `/predict/batch`: pictures in, predictions out."""

from functools import partial

from fastapi import APIRouter, Request, Response

from service.api import errors
from service.api.answers import JsonResponse, prediction, to_json
from service.api.batch_answer import write_answer
from service.api.negotiation import (
    BATCH_PATH,
    JSON,
    batch_answer_type,
    is_streamed,
    require_json_accepted,
)
from service.api.openapi import (
    batch_answer,
    batch_body,
    problem_responses,
    reading_operation,
    single_body,
)
from service.api.parameters import wish_of
from service.api.problems import READING_ERRORS
from service.api.schemas import BatchAnswer, Prediction
from service.api.state import charge, desk_of, engine_of, request_id_of, settings_of
from service.api.stream.answer import StreamedAnswer
from service.api.stream.parts import parts_of, parts_of_body
from service.api.uploads import read_batch, read_picture, require_uncompressed
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
    return JsonResponse(to_json(prediction(reading)))


@router.post(
    BATCH_PATH,
    operation_id="predict_batch",
    response_model=BatchAnswer,
    responses=batch_answer()
    | problem_responses(
        *READING_ERRORS,
        errors.NotAcceptable,
        errors.BatchTooLarge,
        errors.TooManyStreams,
        PictureTooLarge,
    ),
    openapi_extra=reading_operation(batch_body()),
)
async def predict_batch(request: Request) -> Response:
    """Read many digits, one to an image.

    Send form fields `files`, JSON with Base64, an array as NumPy saves it, or lines of JSON. An
    item that is no image, or none that can be read, has an `error` in place of an answer, and the
    others theirs. With `Accept: application/x-ndjson` each answer is a line, sent when it is there;
    lines are answered in lines, however many they are.
    """
    answer_type = batch_answer_type(request.scope)
    engine, settings, request_id = engine_of(request), settings_of(request), request_id_of(request)
    pipeline = engine.pipeline(wish_of(request))
    if is_streamed(request.scope):
        require_uncompressed(request)
        parts = parts_of_body(max_line=settings.max_body_bytes, seconds=settings.body_timeout)
        return StreamedAnswer(
            desk_of(request), pipeline, parts, request_id, charge=partial(charge, request)
        )
    items = await read_batch(request, max_batch=settings.max_batch, max_pixels=settings.max_pixels)
    charge(request, len(items))
    if answer_type != JSON:
        return StreamedAnswer(desk_of(request), pipeline, parts_of(items), request_id)
    contents = [item.content for item in items if not isinstance(item.content, errors.InvalidItem)]
    outcomes = await engine.read_many(pipeline, contents)
    answer = await write_answer(items, outcomes, request_id)
    return JsonResponse(answer)
