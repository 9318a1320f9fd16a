"""The answer to a batch: every item in its place, written beside the event loop when it is long."""

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

from service.api.answers import field, prediction, to_json
from service.api.formats import Item
from service.api.problems import problem_of
from service.errors import InvalidItem
from service.inference.digits import Outcome, Reading
from service.inference.fields import FieldOutcome, FieldReading

AnyOutcome = Outcome | FieldOutcome

# A longer answer takes milliseconds to write; in a thread, so that others do not wait for it.
_QUICK_ITEMS = 256


async def write_answer(
    items: Sequence[Item], outcomes: Sequence[AnyOutcome], request_id: str, *, name: str
) -> bytes:
    """The JSON of a batch's answer, given what was read of those `items` that hold an image.

    It is a `BatchAnswer` or a `FieldBatchAnswer`, whose list is called `name`.
    """
    write = partial(_json, items, outcomes, request_id, name)
    return write() if len(items) <= _QUICK_ITEMS else await asyncio.to_thread(write)


async def write_lines(
    items: Sequence[Item], outcomes: Sequence[AnyOutcome], request_id: str, *, first: int
) -> bytes:
    """The same as NDJSON, a line for each of `items`, the first of which has the index `first`."""
    write = partial(_ndjson, items, outcomes, request_id, first)
    return write() if len(items) <= _QUICK_ITEMS else await asyncio.to_thread(write)


def write_end(error: Exception, request_id: str) -> bytes:
    """The last line of an NDJSON answer that `error` has cut short."""
    return _line(_failure(error, request_id))


def _json(
    items: Sequence[Item], outcomes: Sequence[AnyOutcome], request_id: str, name: str
) -> bytes:
    return to_json({name: list(_answers(items, outcomes, request_id, 0))})


def _ndjson(
    items: Sequence[Item], outcomes: Sequence[AnyOutcome], request_id: str, first: int
) -> bytes:
    return b"".join(map(_line, _answers(items, outcomes, request_id, first)))


def _answers(
    items: Sequence[Item], outcomes: Sequence[AnyOutcome], request_id: str, first: int
) -> Iterator[dict[str, Any]]:
    remaining = iter(outcomes)
    for index, item in enumerate(items, first):
        place = {"index": index} if item.id is None else {"index": index, "id": item.id}
        content = item.content
        outcome = content if isinstance(content, InvalidItem) else next(remaining)
        if isinstance(outcome, Reading):
            yield prediction(outcome, **place)
        elif isinstance(outcome, FieldReading):
            yield field(outcome, **place)
        else:
            yield {**place, **_failure(outcome, request_id)}


def _failure(error: Exception, request_id: str) -> dict[str, Any]:
    return {"error": problem_of(error, request_id).model_dump(mode="json")}


def _line(answer: dict[str, Any]) -> bytes:
    return to_json(answer) + b"\n"
