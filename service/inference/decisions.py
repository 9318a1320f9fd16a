"""Calibrated probabilities to a decision: accept the digit, or send it to review."""

import hmac
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.manifest import DIGITS
from models.records import OperatingPoints
from models.scores import MOST_OUTLIER, entropy
from service.errors import UnsupportedMaxError

Probabilities = NDArray[np.float32]  # [10], one per digit


class Decision(StrEnum):
    """What to do with an answer."""

    ACCEPT = "accept"
    REVIEW = "review"


class Reason(StrEnum):
    """Why to review a digit."""

    LOW_CONFIDENCE = "low_confidence"
    BLANK = "blank"
    NOT_A_DIGIT = "not_a_digit"
    SEVERAL_DIGITS = "several_digits"
    CUT_OFF = "cut_off"
    AUDIT = "audit"


class Answer(NamedTuple):
    """The digit of an image, and the decision."""

    digit: int | None  # 0 to 9; None for a blank image
    confidence: float  # the probability of the digit; 0 for a blank image
    probabilities: Probabilities  # float32 [10]; zeros for a blank image
    decision: Decision
    reasons: tuple[Reason, ...]  # why to review it; empty if it is accepted

    @property
    def text(self) -> str | None:
        """The digit as text; None for a blank image."""
        return None if self.digit is None else str(self.digit)


@dataclass(frozen=True, slots=True)
class Criteria:
    """When to accept an answer."""

    # The lowest confidence to accept, times the probability that the image shows a digit at all;
    # None accepts nothing.
    threshold: float | None
    outlier_entropy: float  # the highest entropy of the probabilities of a digit, in nats
    temperature: float = 1.0  # of a calibration, see `soften`; applied before the threshold


@dataclass(frozen=True, slots=True)
class Audit:
    """Chooses answers that would be accepted, but that a person shall check."""

    rate: float  # the share to choose
    # A secret; a client that does not know it cannot tell which pictures are chosen.
    key: bytes = field(repr=False)
    # The lowest confidence that the default error rate accepts. With a more lenient one, a request
    # accepts others too; they do not belong to what the default promises.
    threshold: float

    def chooses(self, score: float, pixels: NDArray[np.uint8]) -> bool:
        """Return whether to check an accepted answer.

        `score` is what was compared with the threshold; the same `pixels`, the input of the
        model, are always chosen, or never.
        """
        if score < self.threshold:
            return False
        digest = hmac.digest(self.key, pixels.tobytes(), "sha256")
        return int.from_bytes(digest[:8]) < self.rate * 2**64


def decide(
    probabilities: NDArray[np.float32],
    criteria: Sequence[Criteria],
    findings: Sequence[tuple[Reason, ...]],
    outlier: NDArray[np.float32] | None = None,
) -> list[Answer]:
    """Pick the likeliest digit of each image, and accept or review it.

    Calibrated `probabilities` are float32 [N, 10]; `outlier`, float32 [N], is the probability that
    an image shows no digit, None if the model has no such output; `findings` are of the pictures.
    """
    # A rounding error of float32 can lift a probability above 1.
    probabilities = np.minimum(probabilities, 1.0)
    entropies = entropy(probabilities).tolist()
    for row, each in enumerate(criteria):
        if each.temperature != 1.0:
            probabilities[row] = soften(probabilities[row], each.temperature)
    return [
        _answer(*image)
        for image in zip(
            probabilities,
            probabilities.argmax(axis=1).tolist(),
            probabilities.max(axis=1).tolist(),
            entropies,
            repeat(0.0, len(probabilities)) if outlier is None else outlier.tolist(),
            criteria,
            findings,
            strict=True,
        )
    ]


def soften(probabilities: Probabilities, temperature: float) -> Probabilities:
    """Divide the logarithms of `probabilities` by `temperature`; they sum to 1 again.

    The same as another temperature for the logits: Guo et al., "On Calibration of Modern Neural
    Networks", ICML 2017.
    """
    powers = np.power(probabilities, 1 / temperature, dtype=np.float64)
    return np.asarray(powers / powers.sum(), np.float32)


def soften_alone(confidence: float, temperature: float) -> float:
    """Soften the probability of one of two outcomes."""
    right, wrong = (float(each ** (1 / temperature)) for each in (confidence, 1 - confidence))
    return right / (right + wrong)


def audited(
    answer: Answer, audit: Audit | None, image: NDArray[np.uint8], outlier: float = 0.0
) -> Answer:
    """Send an accepted answer to review if `audit` chooses `image`, uint8 [28, 28]."""
    is_accepted = answer.decision is Decision.ACCEPT
    if audit and is_accepted and audit.chooses(answer.confidence * (1.0 - outlier), image):
        return answer._replace(decision=Decision.REVIEW, reasons=(Reason.AUDIT,))
    return answer


def decide_blank() -> Answer:
    """Return the answer for a blank image."""
    return Answer(None, 0.0, np.zeros(DIGITS, np.float32), Decision.REVIEW, (Reason.BLANK,))


def _answer(
    probabilities: Probabilities,
    digit: int,
    confidence: float,
    entropy_of_it: float,
    outlier: float,
    criteria: Criteria,
    findings: tuple[Reason, ...],
) -> Answer:
    threshold = math.inf if criteria.threshold is None else criteria.threshold
    is_unsure = confidence < threshold
    is_outlier = (
        entropy_of_it > criteria.outlier_entropy
        or outlier > MOST_OUTLIER
        # The digit alone would be accepted.
        or (not is_unsure and confidence * (1.0 - outlier) < threshold)
    )
    if not (findings or is_outlier or is_unsure):
        return Answer(digit, confidence, probabilities, Decision.ACCEPT, ())
    reasons = (
        *findings,
        *((Reason.NOT_A_DIGIT,) if is_outlier else ()),
        *((Reason.LOW_CONFIDENCE,) if is_unsure else ()),
    )
    return Answer(digit, confidence, probabilities, Decision.REVIEW, reasons)


def threshold_for(card: OperatingPoints[Any], max_error: float) -> float:
    """Return the lowest confidence at which a model, or a calibration, keeps `max_error`.

    Raises:
        UnsupportedMaxError: no operating point is as strict, or none was shown to keep it.
    """
    try:
        threshold: float | None = card.operating_point(max_error).threshold
    except LookupError:
        threshold = None
    if threshold is None:
        points = [point for point in card.operating_points if point.threshold is not None]
        raise UnsupportedMaxError(
            f"{card.name} was not shown to keep an error rate of {max_error:g}; it keeps"
            f" {', '.join(f'{point.max_error:g}' for point in points) or 'none'}"
        )
    return threshold
