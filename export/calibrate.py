"""Calibration of confidences, and thresholds on them that bound the error rate."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from models.error_rates import Confidences, Correct, choose_threshold

MAX_ERRORS = (0.01, 0.005, 0.001, 0.0005)
OUTLIER_SHARE = 0.001  # share of digits that may be taken for something else


def choose_entropy(entropies: NDArray[np.float64]) -> float:
    """Return the entropy in nats that a thousandth of the held-out digits, [N], exceeds."""
    return float(np.quantile(entropies, 1 - OUTLIER_SHARE))


def choose_thresholds(
    confidences: Confidences, correct: Correct, max_errors: Sequence[float] = MAX_ERRORS
) -> dict[float, float | None]:
    """Choose a threshold for each of `max_errors`."""
    return {
        max_error: choose_threshold(confidences, correct, max_error) for max_error in max_errors
    }
