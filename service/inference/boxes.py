"""Where each digit is in the picture that came: from the reader's steps to its ink's box."""

from collections.abc import Sequence
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from models.fields.alignment import Span
from models.strips import HEIGHT, MARGIN, PAPER, STRIDE, Strip

Box = tuple[int, int, int, int]  # x, y, width, height in the picture's pixels

_INK = PAPER - 56  # a third of the way from the paper's grey to the darkest ink's
_REACH = HEIGHT // 2  # columns that a digit may extend beyond its steps
_SPECK = 4  # pixels; less is no part of a digit
_NEAR = 2  # columns beyond its steps at which a stroke still is the digit's own


def boxes(strip: Strip, spans: Sequence[Span], picture: tuple[int, int]) -> list[Box]:
    """A box around the ink of each digit of `spans`, in a picture of (height, width) pixels.

    Neighbours part in the middle between their steps. Where no ink is found the box is that of
    the steps.
    """
    ink = (strip.pixels < _INK).astype(np.uint8)
    edges = _edges(spans, strip.pixels.shape[1])
    return [
        _in_picture(_around(ink, edge, span), strip, picture)
        for edge, span in zip(edges, spans, strict=True)
    ]


def _edges(spans: Sequence[Span], width: int) -> list[tuple[int, int]]:
    """The first column of each digit and that after its last."""
    middles = [
        (STRIDE * (before[1] + 1) + STRIDE * after[0]) // 2 for before, after in pairwise(spans)
    ]
    return [
        (
            max(left, STRIDE * first - _REACH),
            min(right, STRIDE * (last + 1) + _REACH),
        )
        for (first, last), left, right in zip(spans, (0, *middles), (*middles, width), strict=True)
    ]


def _around(ink: NDArray[np.uint8], edge: tuple[int, int], span: Span) -> Box:
    """The box of the strokes between the columns `edge` that pass the steps of `span`."""
    left, right = edge
    count, _, stats, _ = cv2.connectedComponentsWithStats(ink[:, left:right], connectivity=8)
    first, end = STRIDE * span[0] - left - _NEAR, STRIDE * (span[1] + 1) - left + _NEAR
    pieces = [
        (int(x), int(y), int(x + width), int(y + height))
        for x, y, width, height, area in stats[1:count]
        if area >= _SPECK and x < end and x + width > first
    ]
    if not pieces:
        return STRIDE * span[0], 0, STRIDE * (span[1] - span[0] + 1), HEIGHT
    x, y = min(p[0] for p in pieces), min(p[1] for p in pieces)
    return left + x, y, max(p[2] for p in pieces) - x, max(p[3] for p in pieces) - y


def _in_picture(box: Box, strip: Strip, picture: tuple[int, int]) -> Box:
    """`box` in the picture's pixels, inside of it and at least a pixel wide and high."""
    height, width = picture
    x, y, box_width, box_height = box
    left = _bounded((x - MARGIN) / strip.scale, width - 1)
    top = _bounded((y - strip.top) / strip.scale, height - 1)
    right = _bounded((x + box_width - MARGIN) / strip.scale, width)
    bottom = _bounded((y + box_height - strip.top) / strip.scale, height)
    return left, top, max(1, right - left), max(1, bottom - top)


def _bounded(value: float, most: int) -> int:
    return min(max(round(value), 0), most)
