"""The answer to a batch, from what was read."""

import asyncio
import json

import numpy as np
import pytest

from service.api.answers import prediction, to_json
from service.api.batch_answer import write_answer
from service.api.formats import Item
from service.errors import InvalidItem
from service.imaging import UnreadableImage
from service.inference.decisions import Criteria, decide
from service.inference.digits import Reading
from tests.service.fakes import CARD


def test_every_item_is_answered_in_its_place():
    items = [
        Item("a", b"read"),
        Item("b", InvalidItem("no image")),
        Item(None, b"damaged"),
        Item(3, b"read"),
    ]
    outcomes = [_reading(7), UnreadableImage("damaged"), _reading(1)]

    answers = json.loads(
        asyncio.run(write_answer(items, outcomes, "order-66", name="predictions"))
    )["predictions"]

    assert [answer["index"] for answer in answers] == [0, 1, 2, 3]
    assert [answer.get("id") for answer in answers] == ["a", "b", None, 3]
    assert [answer.get("digit") for answer in answers] == [7, None, None, 1]
    assert [answer.get("error", {}).get("detail") for answer in answers] == [
        *(None, "no image", "damaged", None)
    ]


def test_an_answer_is_the_one_that_the_image_gets_alone():
    reading = _reading(7)

    answer = asyncio.run(
        write_answer([Item(None, b"read")], [reading], "order-66", name="predictions")
    )

    alone = json.loads(to_json(prediction(reading)))
    assert json.loads(answer)["predictions"] == [{"index": 0, **alone}]


@pytest.mark.parametrize(("count", "others_run"), [(1, False), (1024, True)])
def test_others_run_while_a_long_answer_is_written(count, others_run):
    async def write():
        others = []
        asyncio.get_running_loop().call_soon(others.append, "ran")
        await write_answer(
            [Item(None, b"read")] * count, [_reading(7)] * count, "order-66", name="predictions"
        )
        return bool(others)

    assert asyncio.run(write()) == others_run


def _reading(digit):
    row = np.eye(10, dtype=np.float32)[[digit]]
    [answer] = decide(row, [Criteria(0.5, 1.0)], [False])
    return Reading(CARD, answer, row[0])
