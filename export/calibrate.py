"""Calibration of confidences, and thresholds on them that bound the error rate."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from scipy.stats import binom

Confidences = NDArray[np.float64]  # [N]
Correct = NDArray[np.bool_]  # [N]

MAX_ERRORS = (0.01, 0.005, 0.001, 0.0005)
OUTLIER_SHARE = 0.001  # share of digits that may be taken for something else
MOST_STARTS = 3
_LAST_START = 0.9  # share of the images
RISK = 0.05  # probability that a threshold does not keep its error rate

# Fixed in advance, strict to lenient: even steps of log(1 - threshold).
THRESHOLDS = 1 - np.logspace(-7, np.log10(0.5), 400)


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    """Return the temperature that minimises the negative log-likelihood of held-out `labels` [N].

    Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
    """

    def nll(log_temperature: float) -> float:
        scaled = logits.astype(np.float64) / np.exp(log_temperature)
        return -float(log_softmax(scaled, axis=1)[np.arange(len(labels)), labels].mean())

    return float(np.exp(minimize_scalar(nll, bounds=(-3, 3), method="bounded").x))


def choose_threshold(confidences: Confidences, correct: Correct, max_error: float) -> float | None:
    """Return the most lenient of `shown_thresholds`; None without any, as with too few images."""
    shown = shown_thresholds(confidences, correct, max_error)
    return float(shown[-1]) if len(shown) else None


def shown_thresholds(
    confidences: Confidences, correct: Correct, max_error: float
) -> NDArray[np.float64]:
    """Return the thresholds shown to keep the error rate below `max_error`, strict first.

    Learn then Test with exact binomial p-values and fixed-sequence testing from several starts:
    with probability 1 - RISK over the held-out images, the error rate holds for all images of their
    kind, at all these thresholds together (Angelopoulos, Bates, Candes, Jordan and Lei, "Learn then
    Test", 2021). Each sequence starts where one more error is allowed, so that a single confident
    error, maybe a wrong label, does not end them all. The guarantee is strict only for images that
    chose nothing else; these also chose temperature, recipe and variant, so the test set checks it.
    """
    counts, errors = _tallies(confidences, correct)
    starts = _starts(len(confidences), max_error)
    risk = RISK / starts
    passes = binom.cdf(errors, counts, max_error) <= risk
    shown = np.zeros(len(passes), np.bool_)
    for allowed in range(starts):
        could_start = np.flatnonzero(binom.cdf(allowed, counts, max_error) <= risk)
        for place in range(could_start[0] if len(could_start) else len(passes), len(passes)):
            if not passes[place]:
                break
            shown[place] = True
    return THRESHOLDS[shown]


def _starts(images: int, max_error: float) -> int:
    """Return the number of starts: each divides the risk, and the last must be reachable."""
    allowed = (
        starts
        for starts in range(MOST_STARTS, 1, -1)
        if binom.cdf(starts - 1, _LAST_START * images, max_error) <= RISK / starts
    )
    return next(allowed, 1)


def _tallies(
    confidences: Confidences, correct: Correct
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the number of accepted answers, and of errors among them, at each threshold."""
    return tuple(
        len(values) - np.searchsorted(np.sort(values), THRESHOLDS)
        for values in (confidences, confidences[~correct])
    )


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
