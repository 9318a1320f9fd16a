"""Confidences that mean what they say, and thresholds on them that keep errors down."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from scipy.stats import binomtest

Confidences = NDArray[np.float64]  # [N]
Correct = NDArray[np.bool_]  # [N]

MAX_ERRORS = (0.01, 0.005, 0.001, 0.0005)
RISK = 0.05  # the probability that a threshold does not keep its promise

# Fixed beforehand, strict to lenient: even steps of log(1 - threshold).
_THRESHOLDS = 1 - np.logspace(-7, np.log10(0.5), 400)


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    """The temperature that minimises the negative log-likelihood of held-out `labels` [N].

    Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
    """

    def nll(log_temperature: float) -> float:
        scaled = logits.astype(np.float64) / np.exp(log_temperature)
        return -float(log_softmax(scaled, axis=1)[np.arange(len(labels)), labels].mean())

    return float(np.exp(minimize_scalar(nll, bounds=(-3, 3), method="bounded").x))


def choose_threshold(confidences: Confidences, correct: Correct, max_error: float) -> float | None:
    """The most lenient threshold shown to keep the error rate among accepted below `max_error`.

    Learn-then-Test with fixed-sequence testing and exact binomial p-values: with probability
    1 - RISK over the held-out images the promise holds for all images of their kind
    (Angelopoulos, Bates, Candes, Jordan and Lei, "Learn then Test", 2021). It holds strictly for
    images that nothing else was fitted on; the one temperature that was bends it by very little.
    None where no threshold passes, as with too few images.
    """
    passed = None
    for threshold in _THRESHOLDS:
        accepted = confidences >= threshold
        count = int(accepted.sum())
        # So few could not show it even without an error; skipping looks at no answer.
        if (1 - max_error) ** count > RISK:
            continue
        errors = int((accepted & ~correct).sum())
        if binomtest(errors, count, max_error, alternative="less").pvalue > RISK:
            break
        passed = float(threshold)
    return passed


def choose_thresholds(
    confidences: Confidences, correct: Correct, max_errors: Sequence[float] = MAX_ERRORS
) -> dict[float, float | None]:
    """A threshold for each of `max_errors`."""
    return {
        max_error: choose_threshold(confidences, correct, max_error) for max_error in max_errors
    }
