"""Boxes around the digits of a field."""

from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate, pairwise

import cv2
import numpy as np
from numpy.typing import NDArray

from models.fields.alignment import Span
from models.strips import HEIGHT, MARGIN, PAPER, STRIDE, Strip

Box = tuple[int, int, int, int]  # x, y, width, height in pixels of the picture

_INK = PAPER - 56  # a third of the way from the tone of the paper to that of the darkest ink
_REACH = HEIGHT // 2  # columns that a digit may extend beyond its steps
_SPECK = 4  # pixels; a smaller piece is no part of a digit
_NEAR = 2  # columns beyond its steps in which a stroke still belongs to the digit


def boxes(strip: Strip, spans: Sequence[Span], picture: tuple[int, int]) -> list[Box]:
    """Find the box around the ink of each digit, in a picture of (height, width) pixels.

    Neighbours are separated in the middle between their steps. Without ink, the box is that of the
    steps.
    """
    width = strip.pixels.shape[1]
    middles = [
        (STRIDE * (before[1] + 1) + STRIDE * after[0]) // 2 for before, after in pairwise(spans)
    ]
    limits = [
        (max(left, STRIDE * span[0] - _REACH), min(right, STRIDE * (span[1] + 1) + _REACH))
        for span, left, right in zip(spans, (0, *middles), (*middles, width), strict=True)
    ]
    pieces = zip(spans, _pieces(strip.pixels, limits), strict=True)
    return [_in_picture(_around(own, span), strip, picture) for span, own in pieces]


def _pieces(
    pixels: NDArray[np.uint8], limits: Sequence[tuple[int, int]]
) -> list[list[tuple[int, int, int, int]]]:
    """Find the pieces of ink between each two columns of `limits`: left, top, right, bottom."""
    # All side by side, a blank column apart, because OpenCV takes as long for one as for all.
    shifts = list(accumulate(1 + right - left for left, right in limits))
    apart = np.full((HEIGHT, shifts[-1]), PAPER, np.uint8)
    for shift, (left, right) in zip(shifts, limits, strict=True):
        apart[:, shift - 1 - (right - left) : shift - 1] = pixels[:, left:right]
    ink = cv2.threshold(apart, _INK - 1, 1, cv2.THRESH_BINARY_INV)[1]
    stats = cv2.connectedComponentsWithStatsWithAlgorithm(ink, 8, cv2.CV_16U, cv2.CCL_SPAGHETTI)[2]
    found: list[list[tuple[int, int, int, int]]] = [[] for _ in limits]
    for x, y, width, height, area in stats[1:].tolist():
        if area >= _SPECK:
            place = bisect(shifts, x)
            left = x + limits[place][1] + 1 - shifts[place]
            found[place].append((left, y, left + width, y + height))
    return found


def _around(pieces: Sequence[tuple[int, int, int, int]], span: Span) -> Box:
    """Box the pieces that pass the steps of `span`."""
    first, end = STRIDE * span[0] - _NEAR, STRIDE * (span[1] + 1) + _NEAR
    passing = [piece for piece in pieces if piece[0] < end and piece[2] > first]
    if not passing:
        return STRIDE * span[0], 0, STRIDE * (span[1] - span[0] + 1), HEIGHT
    lefts, tops, rights, bottoms = zip(*passing, strict=True)
    x, y = min(lefts), min(tops)
    return x, y, max(rights) - x, max(bottoms) - y


def _in_picture(box: Box, strip: Strip, picture: tuple[int, int]) -> Box:
    """Scale `box` to the picture's pixels, inside of it and at least a pixel wide and high."""
    height, width = picture
    x, y, box_width, box_height = box
    left = _bounded((x - MARGIN) / strip.scale, width - 1)
    top = _bounded((y - strip.top) / strip.scale, height - 1)
    right = _bounded((x + box_width - MARGIN) / strip.scale, width)
    bottom = _bounded((y + box_height - strip.top) / strip.scale, height)
    return left, top, max(1, right - left), max(1, bottom - top)


def _bounded(value: float, most: int) -> int:
    return min(max(round(value), 0), most)
