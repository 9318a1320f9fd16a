"""The answer to a batch: every item in its place, written beside the event loop when it is long."""

import asyncio
from collections.abc import Sequence
from functools import partial

from service.api.answers import prediction, to_json
from service.api.item import Item
from service.api.problems import problem_of
from service.pipeline import Outcome, Reading

# A longer answer takes milliseconds to write; in a thread, so that others do not wait for it.
_QUICK_ITEMS = 256


async def write_answer(
    items: Sequence[Item], outcomes: Sequence[Outcome], request_id: str
) -> bytes:
    """The JSON of a `BatchAnswer`, given what was read of those `items` that hold an image."""
    write = partial(_json, items, outcomes, request_id)
    return write() if len(items) <= _QUICK_ITEMS else await asyncio.to_thread(write)


def _json(items: Sequence[Item], outcomes: Sequence[Outcome], request_id: str) -> bytes:
    remaining = iter(outcomes)
    answers = []
    for index, item in enumerate(items):
        place = {"index": index} if item.id is None else {"index": index, "id": item.id}
        outcome = next(remaining) if isinstance(item.content, bytes) else item.content
        if isinstance(outcome, Reading):
            answers.append(prediction(outcome, **place))
        else:
            problem = problem_of(outcome, request_id)
            answers.append({**place, "error": problem.model_dump(mode="json")})
    return to_json({"predictions": answers})
