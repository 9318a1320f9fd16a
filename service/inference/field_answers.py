"""The scores of a strip's steps to a text, its digits with their boxes, and a decision."""

from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from models.fields.alignment import Span
from models.fields.confidence import confidences
from models.fields.constraints import Constraints
from models.fields.decode import Hypothesis, decode
from models.reader_card import ReaderCard
from models.strips import DIGITS, HEIGHT, MARGIN, PAPER, STRIDE, Strip
from service.imaging import SeenStrip
from service.inference.decisions import Decision, soften_alone

Box = tuple[int, int, int, int]  # x, y, width, height in pixels of the picture

# A text that satisfies the constraints but is less likely than this is not what is written: it
# holds a digit that the reader did not see, or lacks one that it did. Measured on 2,294 fields,
# composed of MNIST's training digits and real amounts, with a length and a check digit: below are
# 0.7% of the likeliest texts if these are right, 94% if they are wrong. No digit of the others has
# less than 0.7%.
_NO_MATCH = 0.01

_INK = PAPER - 56  # a third of the way from the tone of the paper to that of the darkest ink
_REACH = HEIGHT // 2  # columns that a digit may extend beyond its steps
_SPECK = 4  # pixels; a smaller piece is no part of a digit
_NEAR = 2  # columns beyond its steps in which a stroke still belongs to the digit


class FieldReason(StrEnum):
    """Why to review a field."""

    LOW_CONFIDENCE = "low_confidence"
    BLANK = "blank"
    NOT_A_DIGIT = "not_a_digit"
    NO_MATCH = "no_match"
    AUDIT = "audit"


class ReadDigit(NamedTuple):
    """One digit of a field, its own probability, and its box."""

    digit: int
    confidence: float
    box: Box


class Alternative(NamedTuple):
    """Another possible text."""

    text: str
    confidence: float


class FieldAnswer(NamedTuple):
    """The text of a field, and the decision.

    Attributes:
        text: its digits; None if nothing could be read, or nothing that satisfies the constraints.
        raw: the text with separators.
        confidence: the probability that `text` is right; 0 if it is None.
        digits: the digits one by one.
        alternatives: other texts, the likeliest first; if none satisfies the constraints, those
            that do not.
        decision: accept or review.
        reasons: why to review it; empty if it is accepted.
    """

    text: str | None
    raw: str | None
    confidence: float
    digits: tuple[ReadDigit, ...]
    alternatives: tuple[Alternative, ...]
    decision: Decision
    reasons: tuple[FieldReason, ...]


def answer_of(
    scores: NDArray[np.float32],
    seen: SeenStrip,
    card: ReaderCard,
    constraints: Constraints,
    threshold: float | None,
    temperature: float = 1.0,
) -> FieldAnswer:
    """Pick the likeliest text that satisfies `constraints`, and accept or review it.

    Args:
        scores: float32 [steps, classes], log-probabilities.
        seen: the strip that they belong to.
        card: the card of the reader.
        constraints: what is known of the field.
        threshold: the lowest confidence to accept; None accepts nothing.
        temperature: of a calibration; applied to the confidence before the threshold.
    """
    likeliest = scores.argmax(axis=1)
    if not ((likeliest >= 1) & (likeliest <= len(DIGITS))).any():
        return unread(FieldReason.NOT_A_DIGIT)
    hypotheses = decode(scores, constraints)
    if not constraints.are_none and (not hypotheses or hypotheses[0].probability < _NO_MATCH):
        return unread(FieldReason.NO_MATCH, _texts(decode(scores, Constraints()), card))
    (text, confidence), *others = _texts(hypotheses, card)
    if not text:
        return unread(FieldReason.NOT_A_DIGIT)
    confidence = soften_alone(confidence, temperature)
    best, is_unsure = hypotheses[0], threshold is None or confidence < threshold
    return FieldAnswer(
        text,
        best.raw,
        confidence,
        _digits(best, seen),
        tuple(others),
        Decision.REVIEW if is_unsure else Decision.ACCEPT,
        (FieldReason.LOW_CONFIDENCE,) if is_unsure else (),
    )


def unread(reason: FieldReason, texts: Sequence[Alternative] = ()) -> FieldAnswer:
    """Return the answer for a field without a text that may be it; `texts` are other ones."""
    others = tuple(each for each in texts if each.text)
    return FieldAnswer(None, None, 0.0, (), others, Decision.REVIEW, (reason,))


def boxes(strip: Strip, spans: Sequence[Span], picture: tuple[int, int]) -> list[Box]:
    """Find the box around the ink of each digit, in a picture of (height, width) pixels.

    Neighbours are separated in the middle between their steps. Without ink, the box is that of the
    steps.

    Args:
        strip: the picture as the reader sees it.
        spans: the first and last step of each digit.
        picture: the height and width of the picture.
    """
    ink = (strip.pixels < _INK).astype(np.uint8)
    middles = [
        (STRIDE * (before[1] + 1) + STRIDE * after[0]) // 2 for before, after in pairwise(spans)
    ]
    limits = zip(spans, (0, *middles), (*middles, ink.shape[1]), strict=True)
    return [
        _in_picture(
            _around(
                ink,
                max(left, STRIDE * span[0] - _REACH),
                min(right, STRIDE * (span[1] + 1) + _REACH),
                span,
            ),
            strip,
            picture,
        )
        for span, left, right in limits
    ]


def _texts(hypotheses: Sequence[Hypothesis], card: ReaderCard) -> list[Alternative]:
    """Return the text and the confidence of each of `hypotheses`, the likeliest first."""
    sure = confidences(hypotheses, card.confidence)
    return [Alternative(each.text, its) for each, its in zip(hypotheses, sure, strict=True)]


def _digits(best: Hypothesis, seen: SeenStrip) -> tuple[ReadDigit, ...]:
    places = boxes(seen.strip, best.spans, seen.shape)
    digits = zip(best.text, best.digit_probabilities, places, strict=True)
    return tuple(
        ReadDigit(int(digit), min(1.0, probability), (seen.left + x, seen.top + y, width, height))
        for digit, probability, (x, y, width, height) in digits
    )


def _around(ink: NDArray[np.uint8], left: int, right: int, span: Span) -> Box:
    """Box the strokes between two columns that pass the steps of `span`."""
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
