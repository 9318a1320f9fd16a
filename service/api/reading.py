"""The paths that read pictures: digits and fields, one or many, and what a model sees."""

from base64 import b64encode
from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any

import cv2
from fastapi import APIRouter, Query, Request, Response

from service.api import examples, responses, schemas
from service.api.bodies import read_batch, read_picture, require_uncompressed
from service.api.dependencies import charge, record, state_of
from service.api.formats import Item
from service.api.negotiation import (
    BATCH_PATH,
    FIELDS_BATCH_PATH,
    JSON,
    PNG,
    batch_answer_type,
    is_streamed,
    negotiate,
    require_json_accepted,
)
from service.api.openapi import component
from service.api.parameters import DigitParameters, FieldParameters, ParameterRoute
from service.api.problems import BATCH_ERRORS, SINGLE_ERRORS, problem_responses
from service.api.responses import Result
from service.api.stream import StreamedAnswer
from service.errors import InvalidItem
from service.imaging import UnreadableImage
from service.inference.digits import findings
from service.inference.fields import Pipeline

_Digits = Annotated[DigitParameters, Query()]
_Fields = Annotated[FieldParameters, Query()]

router = APIRouter(route_class=ParameterRoute)


class PngResponse(Response):
    """A PNG image."""

    media_type = PNG


_PNG: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "28 x 28 pixels, white ink on black; as JSON with what was found",
        "content": {
            PNG: {"schema": examples.BINARY},
            JSON: {"schema": component(schemas.SeenPicture)},
        },
    }
}


@router.post(
    "/predict",
    tags=["predict"],
    operation_id="predict",
    summary="Read one digit",
    response_model=schemas.Prediction,
    responses=problem_responses(*SINGLE_ERRORS),
    openapi_extra=examples.single_body("/predict", examples.SEVEN),
)
async def predict(request: Request, parameters: _Digits) -> Response:
    """Send the bytes of an image file as the body, as the form field `file`, or in JSON."""
    require_json_accepted(request)
    pipeline = state_of(request)["registry"].digits(parameters.options())
    return await _answer_one(request, pipeline, responses.prediction, batch_path=BATCH_PATH)


@router.post(
    BATCH_PATH,
    tags=["predict"],
    operation_id="predict_batch",
    summary="Read many digits",
    response_model=schemas.BatchAnswer,
    responses=examples.batch_answer("A prediction for each image", schemas.BatchPrediction)
    | problem_responses(*BATCH_ERRORS),
    openapi_extra=examples.batch_body(BATCH_PATH, examples.SEVEN, arrays=True),
)
async def predict_batch(request: Request, parameters: _Digits) -> Response:
    """Send form fields `files`, JSON with Base64, a NumPy array, or NDJSON; one digit to an image.

    An item that is not a readable image has an `error` and does not affect the others. With
    `Accept: application/x-ndjson` each answer is a line, sent as soon as it is there. NDJSON is
    answered with NDJSON and may have any number of lines.
    """
    pipeline = state_of(request)["registry"].digits(parameters.options())
    return await _answer_batch(request, pipeline, name="predictions", arrays=True)


@router.post(
    "/normalise",
    tags=["predict"],
    operation_id="normalise",
    summary="Show what a model sees of a picture",
    response_class=PngResponse,
    responses=_PNG | problem_responses(*SINGLE_ERRORS),
    openapi_extra=examples.single_body("/normalise", examples.SEVEN),
)
async def normalise(request: Request, parameters: _Digits) -> Response:
    """Send the same body and parameters as to `POST /predict`.

    The answer is a PNG of 28 x 28 pixels, white ink on black; it is black if the picture is blank.
    With `Accept: application/json` it has the PNG in Base64, and what was found on the picture.
    """
    answer_type = negotiate(request.headers, (PNG, JSON))
    pipeline = state_of(request)["registry"].digits(parameters.options())
    engine = state_of(request)["engine"]
    engine.require_space()
    data = await read_picture(request, batch_path=BATCH_PATH)
    shown = await engine.prepare(pipeline, data)
    png = cv2.imencode(".png", shown.image)[1].tobytes()
    if answer_type == PNG:
        return PngResponse(png)
    answer = schemas.SeenPicture(
        request_id=state_of(request)["request_id"],
        image=b64encode(png).decode(),
        size=shown.size,
        box=shown.box,
        polarity=shown.polarity,
        paper=shown.paper,
        reasons=findings(shown),
    )
    return responses.JsonResponse(answer.model_dump_json().encode())


@router.post(
    "/fields",
    tags=["fields"],
    operation_id="read_field",
    summary="Read a field of several digits",
    response_model=schemas.ReadField,
    responses=problem_responses(*SINGLE_ERRORS),
    openapi_extra=examples.single_body("/fields", examples.FIELD),
)
async def read_field(request: Request, parameters: _Fields) -> Response:
    """Send the bytes of an image file as the body, as the form field `file`, or in JSON.

    A field is an amount, a ZIP code, an account number. A known length or checksum improves the
    reading.
    """
    require_json_accepted(request)
    pipeline = state_of(request)["registry"].fields(parameters.options())
    return await _answer_one(request, pipeline, responses.field, batch_path=FIELDS_BATCH_PATH)


@router.post(
    FIELDS_BATCH_PATH,
    tags=["fields"],
    operation_id="read_field_batch",
    summary="Read many fields",
    response_model=schemas.FieldBatchAnswer,
    responses=examples.batch_answer("A reading of each field", schemas.BatchField)
    | problem_responses(*BATCH_ERRORS),
    openapi_extra=examples.batch_body(FIELDS_BATCH_PATH, examples.FIELD, arrays=False),
)
async def read_field_batch(request: Request, parameters: _Fields) -> Response:
    """Send form fields `files`, JSON with Base64, or NDJSON, as to `POST /predict/batch`.

    The parameters apply to all fields.
    """
    pipeline = state_of(request)["registry"].fields(parameters.options())
    return await _answer_batch(request, pipeline, name="fields", arrays=False)


async def _answer_one(
    request: Request, pipeline: Pipeline, answer: Callable[..., dict[str, Any]], *, batch_path: str
) -> Response:
    engine = state_of(request)["engine"]
    engine.require_space()
    data = await read_picture(request, batch_path=batch_path)
    [outcome] = (await engine.run(pipeline, [data])).outcomes
    if isinstance(outcome, UnreadableImage):
        raise outcome
    record(request, [outcome], [Item(None, data)], page=pipeline.page)
    request_id = state_of(request)["request_id"]
    return responses.JsonResponse(responses.to_json(answer(outcome, request_id=request_id)))


async def _answer_batch(
    request: Request, pipeline: Pipeline, *, name: str, arrays: bool
) -> Response:
    """Read a batch, which may be an array if `arrays`; `name` is that of the list of answers."""
    answer_type = batch_answer_type(request.headers)
    state = state_of(request)
    settings, request_id, engine = state["settings"], state["request_id"], state["engine"]

    async def read(items: Sequence[Item], *, first: int = 0, wait: bool = False) -> list[Result]:
        contents = [item.content for item in items if not isinstance(item.content, InvalidItem)]
        outcomes = iter((await engine.run(pipeline, contents, wait=wait)).outcomes)
        results = [
            item.content if isinstance(item.content, InvalidItem) else next(outcomes)
            for item in items
        ]
        record(request, results, items, first=first, page=pipeline.page)
        return results

    async def answer_chunk(items: Sequence[Item], first: int) -> bytes:
        results = await read(items, first=first, wait=True)
        return responses.batch_lines(items, results, request_id, first=first)

    stream = partial(
        StreamedAnswer, state["streams"], answer_chunk, request_id, chunk_size=pipeline.largest
    )
    if is_streamed(request.scope):
        require_uncompressed(request)
        return stream(charge=partial(charge, request))
    engine.require_space()
    items = await read_batch(
        request, max_batch=settings.max_batch, max_pixels=settings.max_pixels, arrays=arrays
    )
    charge(request, len(items))
    if answer_type != JSON:
        return stream(items=items)
    results = await read(items)
    return responses.JsonResponse(await responses.batch_json(items, results, request_id, name=name))
