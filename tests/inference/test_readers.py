"""A published reader as a session that keeps to the model contract."""

import pytest

from models.strips import BUCKET, HEIGHT, STRIDE, pad, standardise
from service.imaging import decode
from service.inference.sessions import UnusableModel, open_reader
from tests.strips import bars, publish_reader

pytest.importorskip("onnx")


def test_a_reader_says_a_step_for_every_few_columns_of_each_strip(models_copy):
    strip = standardise(decode(bars("#42"), max_pixels=10**6)).pixels

    said = open_reader(models_copy, publish_reader(models_copy)).run(pad([strip, strip]))

    assert said.shape[:2] == (2, BUCKET * -(-strip.shape[1] // BUCKET) // STRIDE)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("STRIDE", 2 * STRIDE, "it returns 32 steps for 256 columns; the model contract says 64"),
        ("HEIGHT", HEIGHT + 8, "the model contract says image"),
    ],
)
def test_a_reader_of_other_strips_is_refused(models_copy, monkeypatch, name, value, told):
    monkeypatch.setattr(f"tests.strips.{name}", value)
    card = publish_reader(models_copy)

    with pytest.raises(UnusableModel, match=told):
        open_reader(models_copy, card)
