"""Boxes around the digits of real strips that have only a text, found by a trained reader."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import cv2
import keras
import numpy as np

from models.fields.alignment import Span, align
from models.fields.steps import LogProbabilities as Steps
from models.fields.steps import shorten
from models.strips import HEIGHT, MARGIN, PAPER, STRIDE, Strip, pad, standardise
from training.reader.amounts import Amount, Box

_BATCH = 50
_FLOOR = 1e-12  # of a digit's probability: every label has a path
_SURE = 0.5  # probability of each labelled digit, or the cuts may be wrong
_INK = PAPER - 56  # a third of the way from the tone of the paper to that of the darkest ink
_PIECE = 0.2  # of the largest piece's area; a smaller one is a dot or a speck
_LEAST_SIDE = 3  # pixels


def with_boxes(cells: Sequence[Amount], model: keras.Model) -> list[Amount]:
    """Return those of `cells` in which a trained reader finds the labelled digits, with boxes.

    The digits are separated in the middle between their steps on the most probable path.
    """
    found = []
    for start in range(0, len(cells), _BATCH):
        part = cells[start : start + _BATCH]
        strips = [standardise(cell.grey) for cell in part]
        logits = model.predict_on_batch(pad([strip.pixels for strip in strips]))
        scores = keras.ops.convert_to_numpy(keras.ops.log_softmax(logits, axis=-1))
        for cell, strip, steps in zip(part, strips, scores, strict=True):
            own = steps[: strip.pixels.shape[1] // STRIDE]
            spans = align(shorten(own, _FLOOR), cell.digits)
            if not spans or _probability(own, cell.digits, spans) < _SURE:
                continue
            boxes = _boxes(strip, spans, *cell.grey.shape)
            if boxes and min(min(box.width, box.height) for box in boxes) >= _LEAST_SIDE:
                found.append(replace(cell, boxes=boxes))
    return found


def _probability(steps: Steps, digits: str, spans: Sequence[Span]) -> float:
    # The least sure digit's, in its clearest step.
    return min(
        float(np.exp(steps[first : last + 1, 1 + int(digit)].max()))
        for digit, (first, last) in zip(digits, spans, strict=True)
    )


def _boxes(strip: Strip, spans: Sequence[Span], height: int, width: int) -> tuple[Box, ...]:
    """Box the ink between the middles between digits; pieces at the upper and lower rim are lines.

    () if a digit has no ink there.
    """
    ink = (strip.pixels < _INK).astype(np.uint8)
    middles = [STRIDE * (last + first + 1) // 2 for (_, last), (first, _) in pairwise(spans)]
    boxes = []
    for left, right in pairwise((0, *middles, ink.shape[1])):
        _, _, stats, _ = cv2.connectedComponentsWithStats(ink[:, left:right])
        pieces = [
            (x, y, x + w, y + h, area)
            for x, y, w, h, area in stats[1:].tolist()
            if y > strip.top + 1 and y + h < HEIGHT - strip.top - 1
        ]
        least = _PIECE * max((piece[-1] for piece in pieces), default=0)
        pieces = [piece for piece in pieces if piece[-1] >= least]
        if not pieces:
            return ()
        x, y = min(p[0] for p in pieces) + left, min(p[1] for p in pieces)
        end, bottom = max(p[2] for p in pieces) + left, max(p[3] for p in pieces)
        first, top = ((x - MARGIN) / strip.scale, (y - strip.top) / strip.scale)
        last, low = ((end - MARGIN) / strip.scale, (bottom - strip.top) / strip.scale)
        x, y = max(0, round(first)), max(0, round(top))
        boxes.append(Box(x, y, min(width, round(last)) - x, min(height, round(low)) - y))
    return tuple(boxes)
