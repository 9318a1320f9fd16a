"""Answer a batch of digits or fields: JSON at once, or NDJSON line by line."""

from collections.abc import Sequence
from functools import partial

from fastapi import Request, Response

from service.api.bodies import read_batch, require_uncompressed
from service.api.dependencies import charge, record, state_of
from service.api.formats import Item
from service.api.negotiation import JSON, batch_answer_type, is_streamed
from service.api.responses import JsonResponse, Result, batch_json, batch_lines
from service.api.stream import StreamedAnswer
from service.errors import InvalidItem
from service.inference.digits import DigitPipeline
from service.inference.fields import FieldPipeline


async def answer_batch(
    request: Request,
    pipeline: DigitPipeline | FieldPipeline,
    *,
    name: str,
    arrays: bool,
) -> Response:
    """Read the images of a batch with `pipeline`.

    Args:
        request: the batch.
        pipeline: reads its images.
        name: of the list in a JSON answer.
        arrays: whether the body may be an array.

    Raises:
        NumeralError: any of `BATCH_ERRORS`.
    """
    answer_type = batch_answer_type(request.headers)
    state = state_of(request)
    settings, request_id, engine = state["settings"], state["request_id"], state["engine"]

    async def read(items: Sequence[Item], *, wait: bool) -> list[Result]:
        contents = [item.content for item in items if not isinstance(item.content, InvalidItem)]
        outcomes = iter((await engine.run(pipeline, contents, wait=wait)).outcomes)
        return [
            item.content if isinstance(item.content, InvalidItem) else next(outcomes)
            for item in items
        ]

    async def answer_chunk(items: Sequence[Item], first: int) -> bytes:
        results = await read(items, wait=True)
        record(request, results, items, first=first)
        return batch_lines(items, results, request_id, first=first)

    stream = partial(
        StreamedAnswer,
        state["streams"],
        answer_chunk,
        request_id,
        chunk_size=pipeline.largest,
    )
    if is_streamed(request.scope):
        require_uncompressed(request)
        return stream(charge=partial(charge, request))
    items = await read_batch(
        request, max_batch=settings.max_batch, max_pixels=settings.max_pixels, arrays=arrays
    )
    charge(request, len(items))
    if answer_type != JSON:
        return stream(items=items)
    results = await read(items, wait=False)
    record(request, results, items)
    return JsonResponse(await batch_json(items, results, request_id, name=name))
