"""Boxes around drawn digits, in the pixels of the picture that came."""

import cv2
import numpy as np
import pytest

from models.strips import MARGIN, STRIDE, standardise
from service.inference.boxes import boxes

# Of the filled shapes that stand for digits.
_DRAWN = [(30, 20, 24, 60), (80, 25, 10, 50), (120, 15, 30, 64)]


def picture(drawn, height=100, width=200):
    grey = np.full((height, width), 220, np.uint8)
    for x, y, w, h in drawn:
        cv2.rectangle(grey, (x, y), (x + w - 1, y + h - 1), 30, -1)
    return grey


def spans_of(drawn, strip):
    middles = (((x + w / 2) * strip.scale + MARGIN) / STRIDE for x, _, w, _ in drawn)
    return [(int(m), int(m)) for m in middles]


@pytest.mark.parametrize("size", [(100, 200), (400, 800), (30, 60)])
def test_boxes_are_tight_around_the_ink_whatever_the_size(size):
    height, width = size
    grey = cv2.resize(picture(_DRAWN), (width, height), interpolation=cv2.INTER_AREA)
    strip = standardise(grey)

    found = boxes(strip, spans_of([scaled(b, height / 100) for b in _DRAWN], strip), grey.shape)

    for box, drawn in zip(found, _DRAWN, strict=True):
        np.testing.assert_allclose(box, scaled(drawn, height / 100), atol=1 + 2 / strip.scale)


def scaled(box, by):
    return tuple(by * value for value in box)


def test_touching_digits_part_between_their_steps():
    touching = [(30, 20, 40, 60), (70, 20, 40, 60)]
    grey = picture(touching)
    strip = standardise(grey)

    first, second = boxes(strip, spans_of(touching, strip), grey.shape)

    assert first[0] + first[2] == pytest.approx(70, abs=STRIDE / strip.scale)
    assert second[0] == pytest.approx(70, abs=STRIDE / strip.scale)


def test_a_dot_beside_a_digit_is_not_in_its_box():
    grey = picture([(30, 20, 24, 60), (64, 72, 8, 8)])
    strip = standardise(grey)

    (box,) = boxes(strip, spans_of([(30, 20, 24, 60)], strip), grey.shape)

    assert box[0] + box[2] < 60


@pytest.mark.parametrize("span", [(0, 0), (1, 1), (13, 13)])
def test_boxes_without_ink_lie_in_the_picture_and_have_an_area(span):
    grey = np.full((3, 3), 200, np.uint8)
    strip = standardise(grey)

    ((x, y, width, height),) = boxes(strip, [span], grey.shape)

    assert min(width, height) >= 1
    assert x >= 0
    assert y >= 0
    assert x + width <= 3
    assert y + height <= 3
