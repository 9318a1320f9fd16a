"""What the steps of a strip say: a text, its digits, and whether to believe it."""

from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.fields.confidence import confidences
from models.fields.constraints import Constraints
from models.fields.decode import Hypothesis, decode
from models.reader_card import ReaderCard
from models.strips import DIGITS
from service.imaging import SeenStrip
from service.inference.boxes import Box, boxes
from service.inference.decisions import Decision

# Texts that satisfy the constraints, but are less likely than this, are not what is written.
_NO_MATCH = 0.001


class FieldReason(StrEnum):
    """Why the reading of a field is not to be believed unseen."""

    LOW_CONFIDENCE = "low_confidence"
    BLANK = "blank"
    NOT_A_DIGIT = "not_a_digit"
    NO_MATCH = "no_match"


class ReadDigit(NamedTuple):
    """One digit of a field: how likely it is for itself, and where it stands."""

    digit: int
    confidence: float
    box: Box


class Alternative(NamedTuple):
    """Another text that may stand there."""

    text: str
    confidence: float


class FieldAnswer(NamedTuple):
    """What one field says, and whether to believe it.

    Attributes:
        text: its digits; None where none could be read.
        raw: the same with separators.
        confidence: the probability that `text` is right; 0 where it is None.
        digits: each for itself, in order.
        alternatives: other texts, the likeliest first.
        decision: accept or review.
        reasons: why it is to be reviewed; empty where it is accepted.
    """

    text: str | None
    raw: str | None
    confidence: float
    digits: tuple[ReadDigit, ...]
    alternatives: tuple[Alternative, ...]
    decision: Decision
    reasons: tuple[FieldReason, ...]


def answer_of(
    said: NDArray[np.float32],
    seen: SeenStrip,
    card: ReaderCard,
    constraints: Constraints,
    threshold: float | None,
) -> FieldAnswer:
    """Read the likeliest text that satisfies `constraints`, accept it if nothing speaks against it.

    Args:
        said: float32 [steps, classes], log-probabilities of the steps of `seen`.
        seen: what the reader was shown.
        card: the reader's.
        constraints: what is known of the field.
        threshold: the least confidence that is accepted; None accepts nothing.
    """
    if not _says_a_digit(said):
        return unread(FieldReason.NOT_A_DIGIT)
    hypotheses = decode(said, constraints)
    if not hypotheses:
        return unread(FieldReason.NO_MATCH)
    best = hypotheses[0]
    if not best.text:
        return unread(FieldReason.NOT_A_DIGIT)
    sure = confidences(hypotheses, card.confidence)
    reasons = _reasons(best, sure[0], constraints, threshold)
    others = zip(hypotheses[1:], sure[1:], strict=True)
    return FieldAnswer(
        best.text,
        best.raw,
        sure[0],
        _digits(best, seen),
        tuple(Alternative(other.text, confidence) for other, confidence in others),
        Decision.REVIEW if reasons else Decision.ACCEPT,
        reasons,
    )


def unread(reason: FieldReason) -> FieldAnswer:
    """The answer for a field in which nothing could be read."""
    return FieldAnswer(None, None, 0.0, (), (), Decision.REVIEW, (reason,))


def _says_a_digit(said: NDArray[np.float32]) -> bool:
    likeliest = said.argmax(axis=1)
    return bool(((likeliest >= 1) & (likeliest <= len(DIGITS))).any())


def _reasons(
    best: Hypothesis, confidence: float, constraints: Constraints, threshold: float | None
) -> tuple[FieldReason, ...]:
    doubts = (
        (FieldReason.NO_MATCH, not constraints.are_none and best.probability < _NO_MATCH),
        (FieldReason.LOW_CONFIDENCE, threshold is None or confidence < threshold),
    )
    return tuple(reason for reason, applies in doubts if applies)


def _digits(best: Hypothesis, seen: SeenStrip) -> tuple[ReadDigit, ...]:
    places = boxes(seen.strip, best.spans, seen.shape)
    digits = zip(best.text, best.digit_probabilities, places, strict=True)
    return tuple(
        ReadDigit(int(digit), min(1.0, probability), (seen.left + x, seen.top + y, width, height))
        for digit, probability, (x, y, width, height) in digits
    )
