"""Confidences that mean what they say, and thresholds on them that keep errors down."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from scipy.stats import binom

Confidences = NDArray[np.float64]  # [N]
Correct = NDArray[np.bool_]  # [N]

MAX_ERRORS = (0.01, 0.005, 0.001, 0.0005)
OUTLIER_SHARE = 0.001  # of digits that may be taken for something else
MOST_STARTS = 3
_LAST_START = 0.9  # of the images
RISK = 0.05  # the probability that a threshold does not keep its promise

# Fixed beforehand, strict to lenient: even steps of log(1 - threshold).
THRESHOLDS = 1 - np.logspace(-7, np.log10(0.5), 400)


def fit_temperature(logits: NDArray[np.float32], labels: NDArray[np.uint8]) -> float:
    """The temperature that minimises the negative log-likelihood of held-out `labels` [N].

    Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017.
    """

    def nll(log_temperature: float) -> float:
        scaled = logits.astype(np.float64) / np.exp(log_temperature)
        return -float(log_softmax(scaled, axis=1)[np.arange(len(labels)), labels].mean())

    return float(np.exp(minimize_scalar(nll, bounds=(-3, 3), method="bounded").x))


def choose_threshold(confidences: Confidences, correct: Correct, max_error: float) -> float | None:
    """The most lenient of `shown_thresholds`; None where there is none, as with too few images."""
    shown = shown_thresholds(confidences, correct, max_error)
    return float(shown[-1]) if len(shown) else None


def shown_thresholds(
    confidences: Confidences, correct: Correct, max_error: float
) -> NDArray[np.float64]:
    """The thresholds shown to keep the error rate among accepted below `max_error`, strict first.

    Learn-then-Test with exact binomial p-values and fixed-sequence testing from several starts:
    with probability 1 - RISK over the held-out images the promise holds for all images of their
    kind, at all these thresholds together (Angelopoulos, Bates, Candes, Jordan and Lei, "Learn
    then Test", 2021). Each sequence starts where one error more could be borne, so that a single
    confident one, maybe of the label, does not end them all. The promise is strict for images by
    which nothing else was chosen; temperature, recipe and variant were, by the same ones, and the
    test set shows what that costs.
    """
    counts, errors = _tallies(confidences, correct)
    starts = _starts(len(confidences), max_error)
    risk = RISK / starts
    passes = binom.cdf(errors, counts, max_error) <= risk
    shown = np.zeros(len(passes), np.bool_)
    for borne in range(starts):
        could_start = np.flatnonzero(binom.cdf(borne, counts, max_error) <= risk)
        for place in range(could_start[0] if len(could_start) else len(passes), len(passes)):
            if not passes[place]:
                break
            shown[place] = True
    return THRESHOLDS[shown]


def _starts(images: int, max_error: float) -> int:
    """How many starts so many images allow: each divides the risk, and the last must leave room."""
    allowed = (
        starts
        for starts in range(MOST_STARTS, 1, -1)
        if binom.cdf(starts - 1, _LAST_START * images, max_error) <= RISK / starts
    )
    return next(allowed, 1)


def _tallies(
    confidences: Confidences, correct: Correct
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many answers each of the thresholds accepts, and how many of them are wrong."""
    return tuple(
        len(values) - np.searchsorted(np.sort(values), THRESHOLDS)
        for values in (confidences, confidences[~correct])
    )


def choose_entropy(entropies: NDArray[np.float64]) -> float:
    """The entropy in nats that but a thousandth of held-out digits, [N], lie above."""
    return float(np.quantile(entropies, 1 - OUTLIER_SHARE))


def choose_thresholds(
    confidences: Confidences, correct: Correct, max_errors: Sequence[float] = MAX_ERRORS
) -> dict[float, float | None]:
    """A threshold for each of `max_errors`."""
    return {
        max_error: choose_threshold(confidences, correct, max_error) for max_error in max_errors
    }
