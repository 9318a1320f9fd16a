"""Calibrated probabilities to a decision: believe the digit, or let a person look."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from models.manifest import DIGITS

Probabilities = NDArray[np.float32]  # [10], one per digit


class Decision(StrEnum):
    """What to do with an answer."""

    ACCEPT = "accept"
    REVIEW = "review"


class Reason(StrEnum):
    """Why an answer is not to be believed unseen."""

    LOW_CONFIDENCE = "low_confidence"
    BLANK = "blank"


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """What one image says, and whether to believe it.

    Attributes:
        digit: 0 to 9; None where the image is blank.
        confidence: the digit's probability; 0 where the image is blank.
        probabilities: float32 [10]; all 0 where the image is blank, as no digit is there.
        decision: accept or review.
        reasons: why it is to be reviewed; empty where it is accepted.
    """

    digit: int | None
    confidence: float
    probabilities: Probabilities
    decision: Decision
    reasons: tuple[Reason, ...]


def decide(probabilities: Probabilities, threshold: float | None) -> Answer:
    """Read the likeliest digit and accept it from `threshold` on.

        decide(scored.probabilities[0], card.operating_point(0.001).threshold)

    Args:
        probabilities: float32 [10], calibrated.
        threshold: the least confidence that is accepted; None accepts nothing.
    """
    digit = int(probabilities.argmax())
    confidence = float(probabilities[digit])
    accepted = threshold is not None and confidence >= threshold
    return Answer(
        digit,
        confidence,
        probabilities,
        Decision.ACCEPT if accepted else Decision.REVIEW,
        () if accepted else (Reason.LOW_CONFIDENCE,),
    )


def decide_blank() -> Answer:
    """The answer for an image on which nothing is written."""
    return Answer(None, 0.0, np.zeros(DIGITS, np.float32), Decision.REVIEW, (Reason.BLANK,))
