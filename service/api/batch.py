"""A batch of any resource: its body in, its answers out, all at once or line by line."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from fastapi import Request, Response

from service.api.answers import JsonResponse
from service.api.batch_answer import AnyOutcome, write_answer
from service.api.bodies import read_batch, require_uncompressed
from service.api.negotiation import JSON, batch_answer_type, is_streamed
from service.api.noting import note_items
from service.api.state import charge, desk_of, engine_of, request_id_of, settings_of
from service.api.stream.answer import StreamedAnswer
from service.api.stream.parts import parts_of, parts_of_body
from service.errors import InvalidItem
from service.inference.digits import DigitPipeline
from service.inference.fields import FieldPipeline


@dataclass(frozen=True, slots=True)
class BatchWay:
    """How the images of a batch are read, and how the answer looks.

    Attributes:
        pipeline: how they are read.
        name: of the list in the answer.
        part: most images of a stream that are read as one; a part is answered in the time that a
            request may take.
        arrays: whether they may come as an array.
    """

    pipeline: DigitPipeline | FieldPipeline
    name: str
    part: int
    arrays: bool


async def answer_batch(request: Request, way: BatchWay) -> Response:
    """Read the images of `request` and answer it, as it accepts it.

    Raises:
        Exception: any of `service.api.problems.BATCH_ERRORS`.
    """
    answer_type = batch_answer_type(request.headers)
    settings, request_id = settings_of(request), request_id_of(request)
    engine = engine_of(request)

    async def read(contents: Sequence[Any]) -> Sequence[AnyOutcome]:
        outcomes: Sequence[AnyOutcome] = (
            await engine.run(way.pipeline, contents, wait=True)
        ).outcomes
        return outcomes

    note = partial(note_items, request)
    if is_streamed(request.scope):
        require_uncompressed(request)
        parts = parts_of_body(
            most=way.part, max_line=settings.max_body_bytes, seconds=settings.body_timeout
        )
        charging = partial(charge, request)
        return StreamedAnswer(desk_of(request), read, parts, request_id, charge=charging, note=note)
    items = await read_batch(
        request,
        max_batch=settings.max_batch,
        max_pixels=settings.max_pixels,
        arrays=way.arrays,
    )
    charge(request, len(items))
    if answer_type != JSON:
        parts = parts_of(items, most=way.part)
        return StreamedAnswer(desk_of(request), read, parts, request_id, note=note)
    contents = [item.content for item in items if not isinstance(item.content, InvalidItem)]
    outcomes = (await engine.run(way.pipeline, contents)).outcomes
    note(items, outcomes)
    return JsonResponse(await write_answer(items, outcomes, request_id, name=way.name))
