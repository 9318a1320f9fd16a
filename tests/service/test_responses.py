"""The answer to a batch, from what was read."""

import asyncio
import json

import numpy as np
import pytest

from service.api.formats import Item
from service.api.responses import batch_json, prediction, to_json
from service.errors import InvalidItem, UnreadableImage
from service.inference.decisions import Criteria, decide
from service.inference.digits import Reading
from tests.service.fakes import CARD


def test_every_item_is_answered_in_its_place():
    items = [Item("a", b"read"), Item("b", b""), Item(None, b"damaged"), Item(3, b"read")]
    results = [_reading(7), InvalidItem("no image"), UnreadableImage("damaged"), _reading(1)]

    answers = _predictions(items, results)

    assert [answer["index"] for answer in answers] == [0, 1, 2, 3]
    assert [answer.get("id") for answer in answers] == ["a", "b", None, 3]
    assert [answer.get("digit") for answer in answers] == [7, None, None, 1]
    assert [answer.get("error", {}).get("detail") for answer in answers] == [
        *(None, "no image", "damaged", None)
    ]


def test_an_answer_is_the_one_that_the_image_gets_alone():
    reading = _reading(7)

    alone = json.loads(to_json(prediction(reading)))

    assert _predictions([Item(None, b"read")], [reading]) == [{"index": 0, **alone}]


@pytest.mark.parametrize(("count", "others_run"), [(1, False), (1024, True)])
def test_others_run_while_a_long_answer_is_written(count, others_run):
    async def write():
        others = []
        asyncio.get_running_loop().call_soon(others.append, "ran")
        items, results = [Item(None, b"read")] * count, [_reading(7)] * count
        await batch_json(items, results, "order-66", name="predictions")
        return bool(others)

    assert asyncio.run(write()) == others_run


def _predictions(items, results):
    answer = asyncio.run(batch_json(items, results, "order-66", name="predictions"))
    return json.loads(answer)["predictions"]


def _reading(digit):
    row = np.eye(10, dtype=np.float32)[[digit]]
    [answer] = decide(row, [Criteria(0.5, 1.0)], [False])
    return Reading(CARD, answer, row[0])
