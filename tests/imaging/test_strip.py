"""Digits that the rim of a strip cuts off."""

import cv2
import numpy as np
import pytest

from service.imaging import cut_strip, is_cut_off
from service.inference.catalogue import load_catalogue
from service.inference.fields import FieldOptions
from tests.strips import bars, publish_reader

# Of the digits of `strip`: x, y, width, height.
BOXES = [(20, 13, 20, 27), (44, 14, 21, 26), (68, 13, 21, 27)]


def strip():
    grey = np.full((52, 120), 200, np.uint8)
    cv2.putText(grey, "230", (18, 40), cv2.FONT_HERSHEY_SIMPLEX, 1.3, 60, 3, cv2.LINE_AA)
    return grey


def moved(boxes, columns):
    return [(max(0, x - columns), y, width - max(0, columns - x), h) for x, y, width, h in boxes]


@pytest.mark.parametrize("cut", [28, 30, 32])
@pytest.mark.parametrize("draw", [lambda grey: grey, lambda grey: 255 - grey, np.fliplr])
def test_a_digit_that_runs_through_the_rim_is_cut_off_whether_it_is_read_or_not(draw, cut):
    picture = np.ascontiguousarray(draw(strip()[:, cut:]))
    boxes = moved(BOXES, cut)
    if draw is np.fliplr:
        width = picture.shape[1]
        boxes = [(width - x - w, y, w, h) for x, y, w, h in boxes]

    assert is_cut_off(cut_strip(picture), boxes[1:])
    assert is_cut_off(cut_strip(picture), boxes)


def with_border(grey):
    cv2.rectangle(grey, (0, 1), (grey.shape[1] - 1, grey.shape[0] - 2), 80, 1)
    return grey


def with_lines(grey):
    grey[[10, 44, 45]] = 80
    return grey


@pytest.mark.parametrize("draw", [lambda grey: grey, with_border, with_lines])
@pytest.mark.parametrize("cut", [0, 12])
def test_whole_digits_borders_and_ruled_lines_are_not_cut_off(draw, cut):
    assert not is_cut_off(cut_strip(draw(strip()[:, cut:].copy())), moved(BOXES, cut))


def test_a_field_that_is_cut_off_is_reviewed(models_copy):
    publish_reader(models_copy)
    pipeline = load_catalogue(models_copy).fields(FieldOptions(), max_error=0.01, max_pixels=10**6)
    whole = cv2.imdecode(np.frombuffer(bars("#125"), np.uint8), cv2.IMREAD_GRAYSCALE)

    accepted, reviewed = pipeline.read([whole, np.ascontiguousarray(whole[:, :-20])])

    assert (accepted.answer.text, accepted.answer.reasons) == ("125", ())
    assert "cut_off" in reviewed.answer.reasons
