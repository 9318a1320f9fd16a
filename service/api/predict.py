"""`POST /predict`, `/predict/batch` and `/normalise`: single digits, and what a model sees."""

from typing import Annotated, Any

import cv2
from fastapi import APIRouter, Query, Request, Response

from service.api import examples
from service.api.batch import answer_batch
from service.api.bodies import read_picture
from service.api.dependencies import read_one, record, state_of
from service.api.negotiation import BATCH_PATH, PNG, negotiate, require_json_accepted
from service.api.parameters import DigitParameters, ParameterRoute
from service.api.problems import BATCH_ERRORS, SINGLE_ERRORS, problem_responses
from service.api.responses import JsonResponse, prediction, to_json
from service.api.schemas import BatchAnswer, BatchFailure, BatchPrediction, Prediction

router = APIRouter(tags=["predict"], route_class=ParameterRoute)

_PNG: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "28 x 28 pixels, white ink on black",
        "content": {PNG: {"schema": examples.BINARY}},
    }
}


class PngResponse(Response):
    """A PNG image."""

    media_type = PNG


@router.post(
    "/predict",
    operation_id="predict",
    summary="Read one digit",
    response_model=Prediction,
    responses=problem_responses(*SINGLE_ERRORS),
    openapi_extra=examples.single_body("/predict", examples.SEVEN),
)
async def predict(request: Request, parameters: Annotated[DigitParameters, Query()]) -> Response:
    """Send the bytes of an image file as the body, or as the form field `file`."""
    require_json_accepted(request)
    pipeline = state_of(request)["registry"].digits(parameters.options())
    data = await read_picture(request, batch_path=BATCH_PATH)
    reading = await read_one(request, pipeline, data)
    record(request, [reading])
    return JsonResponse(to_json(prediction(reading)))


@router.post(
    BATCH_PATH,
    operation_id="predict_batch",
    summary="Read many digits",
    response_model=BatchAnswer,
    responses=examples.batch_answer("A prediction for each image", BatchPrediction, BatchFailure)
    | problem_responses(*BATCH_ERRORS),
    openapi_extra=examples.batch_body(BATCH_PATH, examples.SEVEN, arrays=True),
)
async def predict_batch(
    request: Request, parameters: Annotated[DigitParameters, Query()]
) -> Response:
    """Send form fields `files`, JSON with Base64, a NumPy array, or NDJSON; one digit to an image.

    An item that is not a readable image has an `error` and does not affect the others. With
    `Accept: application/x-ndjson` each answer is a line, sent as soon as it is there. NDJSON is
    answered with NDJSON and may have any number of lines.
    """
    pipeline = state_of(request)["registry"].digits(parameters.options())
    return await answer_batch(request, pipeline, name="predictions", arrays=True)


@router.post(
    "/normalise",
    operation_id="normalise",
    summary="Show what a model sees of a picture",
    response_class=PngResponse,
    responses=_PNG | problem_responses(*SINGLE_ERRORS),
    openapi_extra=examples.single_body("/normalise", examples.SEVEN),
)
async def normalise(request: Request, parameters: Annotated[DigitParameters, Query()]) -> Response:
    """Send the same body and parameters as to `POST /predict`.

    The answer is a PNG of 28 x 28 pixels, white ink on black; it is black if the picture is blank.
    """
    negotiate(request.headers, (PNG,))
    pipeline = state_of(request)["registry"].digits(parameters.options())
    data = await read_picture(request, batch_path=BATCH_PATH)
    shown = await state_of(request)["engine"].prepare(pipeline, data)
    return PngResponse(cv2.imencode(".png", shown.image)[1].tobytes())
