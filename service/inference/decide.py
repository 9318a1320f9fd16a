"""Calibrated probabilities to a decision: believe the digit, or let a person look."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from models.manifest import DIGITS
from models.scores import entropy

Probabilities = NDArray[np.float32]  # [10], one per digit


class Decision(StrEnum):
    """What to do with an answer."""

    ACCEPT = "accept"
    REVIEW = "review"


class Reason(StrEnum):
    """Why an answer is not to be believed unseen."""

    LOW_CONFIDENCE = "low_confidence"
    BLANK = "blank"
    NOT_A_DIGIT = "not_a_digit"
    SEVERAL_DIGITS = "several_digits"


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


@dataclass(frozen=True, slots=True)
class Criteria:
    """When an answer of a model is believed.

    Attributes:
        threshold: the least confidence that is accepted; None accepts nothing.
        outlier_entropy: of the probabilities, in nats; what is above it is taken for no digit.
    """

    threshold: float | None
    outlier_entropy: float


def decide(probabilities: Probabilities, criteria: Criteria, *, several: bool = False) -> Answer:
    """Read the likeliest digit and accept it if nothing speaks against it.

    Args:
        probabilities: float32 [10], calibrated.
        criteria: those of the model.
        several: whether the ink lies in several pieces side by side.
    """
    digit = int(probabilities.argmax())
    confidence = float(probabilities[digit])
    doubts = (
        (Reason.SEVERAL_DIGITS, several),
        (Reason.NOT_A_DIGIT, entropy(probabilities) > criteria.outlier_entropy),
        (Reason.LOW_CONFIDENCE, criteria.threshold is None or confidence < criteria.threshold),
    )
    reasons = tuple(reason for reason, applies in doubts if applies)
    decision = Decision.REVIEW if reasons else Decision.ACCEPT
    return Answer(digit, confidence, probabilities, decision, reasons)


def decide_blank() -> Answer:
    """The answer for an image on which nothing is written."""
    return Answer(None, 0.0, np.zeros(DIGITS, np.float32), Decision.REVIEW, (Reason.BLANK,))
