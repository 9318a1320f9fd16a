"""Calibrated probabilities to a decision: believe the digit, or let a person look."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.manifest import DIGITS, ModelCard
from models.reader_card import ReaderCard
from models.scores import entropy
from service.errors import UnsupportedMaxError

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


class Answer(NamedTuple):
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

    @property
    def text(self) -> str | None:
        """The digit as it is written; None where the image is blank."""
        return None if self.digit is None else str(self.digit)


@dataclass(frozen=True, slots=True)
class Criteria:
    """When an answer of a model is believed.

    Attributes:
        threshold: the least confidence that is accepted; None accepts nothing.
        outlier_entropy: of the probabilities, in nats; what is above it is taken for no digit.
    """

    threshold: float | None
    outlier_entropy: float


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
        _answer(*image)
        for image in zip(
            probabilities,
            probabilities.argmax(axis=1).tolist(),
            probabilities.max(axis=1).tolist(),
            entropy(probabilities).tolist(),
            criteria,
            several,
            strict=True,
        )
    ]


def decide_blank() -> Answer:
    """The answer for an image on which nothing is written."""
    return Answer(None, 0.0, np.zeros(DIGITS, np.float32), Decision.REVIEW, (Reason.BLANK,))


def _answer(
    probabilities: Probabilities,
    digit: int,
    confidence: float,
    entropy_of_it: float,
    criteria: Criteria,
    several: bool,
) -> Answer:
    threshold = criteria.threshold
    unsure = threshold is None or confidence < threshold
    outlier = entropy_of_it > criteria.outlier_entropy
    if not (several or outlier or unsure):
        return Answer(digit, confidence, probabilities, Decision.ACCEPT, ())
    doubts = (
        (Reason.SEVERAL_DIGITS, several),
        (Reason.NOT_A_DIGIT, outlier),
        (Reason.LOW_CONFIDENCE, unsure),
    )
    reasons = tuple(reason for reason, applies in doubts if applies)
    return Answer(digit, confidence, probabilities, Decision.REVIEW, reasons)


def threshold_for(card: ModelCard | ReaderCard, max_error: float) -> float:
    """The least confidence at which `card`'s model keeps the error rate `max_error`.

    Raises:
        UnsupportedMaxError: no operating point is as strict, or none was shown to keep its promise.
    """
    try:
        threshold = card.operating_point(max_error).threshold
    except LookupError:
        threshold = None
    if threshold is None:
        kept = [point for point in card.operating_points if point.threshold is not None]
        raise UnsupportedMaxError(
            f"{card.name} was not shown to keep an error rate of {max_error:g}; it keeps"
            f" {', '.join(f'{point.max_error:g}' for point in kept) or 'none'}"
        )
    return threshold
