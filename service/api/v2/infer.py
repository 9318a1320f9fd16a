"""`POST .../infer`: a tensor in, tensors out."""

import asyncio
from collections.abc import Sequence
from functools import partial

from fastapi import APIRouter, Request, Response

from models.manifest import ModelCard
from service import errors
from service.api.bodies import read_body, require_uncompressed, run_parser
from service.api.noting import note_all
from service.api.problems import READING_ERRORS
from service.api.state import charge, engine_of, registry_of, settings_of, statistics_of
from service.api.v2.answer_schemas import InferAnswer
from service.api.v2.body import HEADER_LENGTH
from service.api.v2.document import BINARY_ANSWER, INFER_OPERATION, error_responses
from service.api.v2.models import card_of
from service.api.v2.outputs import write
from service.api.v2.reading import contents_of, readable
from service.api.v2.request import Inference, parse
from service.inference.digits import Reading

# A longer answer is written in a thread, so that others do not wait for it.
_QUICK_IMAGES = 64

router = APIRouter()


@router.post(
    "/infer",
    response_model=InferAnswer,
    responses={
        200: BINARY_ANSWER,
        **error_responses(*READING_ERRORS, errors.BatchTooLarge),
    },
    openapi_extra=INFER_OPERATION,
)
async def infer(request: Request) -> Response:
    """Read digits, one to an image.

    The input is `image`, UINT8 [N, 28, 28], normalised as MNIST's images are and taken as they are;
    or `image_bytes`, BYTES [N], image files as `POST /predict` takes them (in JSON, as Base64). If
    one of the files cannot be read, the error names it, and none is answered.
    """
    require_uncompressed(request)
    card = card_of(request)
    engine = engine_of(request)
    body = await read_body(request)
    with statistics_of(request).request(card) as progress:
        inference = await _parsed(request, body)
        charge(request, len(inference.content))
        pipeline = registry_of(request).digits(inference.options(card.name))
        result = await engine.run(pipeline, contents_of(inference.content))
        progress.note(result.times, images=len(result.outcomes))
        readings = readable(result.outcomes)
        note_all(request, readings)
        return await _written(inference, card, readings)


async def _parsed(request: Request, body: bytes) -> Inference:
    header_length = request.headers.get(HEADER_LENGTH)
    max_batch = settings_of(request).max_batch
    work = partial(parse, body, header_length, max_batch=max_batch)
    return await run_parser(work, len(body))


async def _written(inference: Inference, card: ModelCard, readings: Sequence[Reading]) -> Response:
    work = partial(write, inference, card, readings)
    return work() if len(readings) <= _QUICK_IMAGES else await asyncio.to_thread(work)
