"""Calibrated probabilities to a decision: believe the digit, or let a person look."""

import math
from collections.abc import Sequence
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

    @property
    def least_confidence(self) -> float:
        """The threshold, above every confidence where nothing is accepted."""
        return math.inf if self.threshold is None else self.threshold


# What may speak against an answer once it has ink, and every combination of it, by its bits.
_DOUBTS = (Reason.SEVERAL_DIGITS, Reason.NOT_A_DIGIT, Reason.LOW_CONFIDENCE)
_BITS = 1 << np.arange(len(_DOUBTS))
_REASONS = tuple(
    tuple(reason for bit, reason in zip(_BITS.tolist(), _DOUBTS, strict=True) if code & bit)
    for code in range(1 << len(_DOUBTS))
)


def decide(
    probabilities: NDArray[np.float32], criteria: Sequence[Criteria], several: Sequence[bool]
) -> list[Answer]:
    """Read the likeliest digit of each image, and accept it if nothing speaks against it.

    Args:
        probabilities: float32 [N, 10], calibrated.
        criteria: N of them: those of the model, as each caller wants them.
        several: for each image whether its ink lies in several pieces side by side.
    """
    # A rounding error of float32 can lift a probability above 1.
    probabilities = np.minimum(probabilities, 1.0)
    return [
        Answer(digit, confidence, row, Decision.REVIEW if reasons else Decision.ACCEPT, reasons)
        for row, digit, confidence, reasons in zip(
            probabilities,
            probabilities.argmax(axis=1).tolist(),
            probabilities.max(axis=1).tolist(),
            _reasons(probabilities, criteria, several),
            strict=True,
        )
    ]


def decide_blank() -> Answer:
    """The answer for an image on which nothing is written."""
    return Answer(None, 0.0, np.zeros(DIGITS, np.float32), Decision.REVIEW, (Reason.BLANK,))


def _reasons(
    probabilities: NDArray[np.float32], criteria: Sequence[Criteria], several: Sequence[bool]
) -> list[tuple[Reason, ...]]:
    doubts = np.array(
        (
            several,
            entropy(probabilities) > [each.outlier_entropy for each in criteria],
            probabilities.max(axis=1) < [each.least_confidence for each in criteria],
        )
    )
    return [_REASONS[code] for code in (_BITS @ doubts).tolist()]
