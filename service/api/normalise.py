"""`POST /normalise`: a picture in, and out what a model is shown of it."""

import cv2
from fastapi import APIRouter, Request, Response

from service.api import examples
from service.api.bodies import read_picture
from service.api.negotiation import BATCH_PATH, PNG, negotiate
from service.api.openapi import BINARY, Json, reading_operation, single_body
from service.api.parameters import ReadingParameters, digit_options_of
from service.api.problems import SINGLE_ERRORS, problem_responses
from service.api.state import engine_of, registry_of

router = APIRouter(tags=["predict"])

_ANSWER: dict[int | str, Json] = {
    200: {
        "description": "28 x 28 pixels, white ink on black",
        "content": {PNG: {"schema": BINARY}},
    }
}


class PngResponse(Response):
    """A picture."""

    media_type = PNG


@router.post(
    "/normalise",
    operation_id="normalise",
    response_class=PngResponse,
    responses=_ANSWER | problem_responses(*SINGLE_ERRORS),
    openapi_extra=reading_operation(ReadingParameters, single_body("/normalise", examples.SEVEN)),
)
async def normalise(request: Request) -> Response:
    """See what a model is shown of a picture.

    Send what you would send to `POST /predict`, with the same parameters. The answer is a picture
    of 28 x 28 pixels, white ink on black, and black all over where nothing is written.
    """
    negotiate(request.headers, (PNG,))
    pipeline = registry_of(request).digits(digit_options_of(request))
    data = await read_picture(request, batch_path=BATCH_PATH)
    shown = await engine_of(request).prepare(pipeline, data)
    return PngResponse(cv2.imencode(".png", shown.image)[1].tobytes())
