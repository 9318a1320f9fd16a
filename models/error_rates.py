"""Exact statements about error rates, and thresholds that bound them; needs NumPy alone."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.records import Selection

Confidences = NDArray[np.float64]  # [N]
Correct = NDArray[np.bool_]  # [N]

RISK = 0.05  # probability that a threshold does not keep its error rate
MOST_STARTS = 3
_LAST_START = 0.9  # share of the pictures

# Fixed in advance, strict to lenient: even steps of log(1 - threshold).
THRESHOLDS = 1 - np.logspace(-7, np.log10(0.5), 400)

_HALVINGS = 50
_LOG_TEMPERATURES = (-3.0, 3.0)


def binomial_cdf(errors: ArrayLike, trials: ArrayLike, rate: float) -> NDArray[np.float64]:
    """Return the probability of at most `errors` [N] in `trials` [N] at an error `rate`: [N]."""
    errors, trials = np.broadcast_arrays(np.atleast_1d(errors), np.atleast_1d(trials))
    if rate <= 0.0 or rate >= 1.0:
        return np.where((errors >= trials) | (rate <= 0.0), 1.0, 0.0)
    log_factorials = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, trials.max() + 1)))))
    total = np.zeros(len(trials))
    for count in range(int(min(errors.max(), trials.max())) + 1):
        rest = np.maximum(trials - count, 0)
        log_ways = log_factorials[trials] - log_factorials[rest] - log_factorials[count]
        term = np.exp(log_ways + count * np.log(rate) + rest * np.log1p(-rate))
        total += np.where((count <= errors) & (count <= trials), term, 0.0)
    return np.minimum(total, 1.0)


def upper_bound(errors: int, trials: int, risk: float = RISK) -> float:
    """Return the error rate that is not exceeded with probability 1 - `risk`; 1 without trials.

    Clopper and Pearson, "The Use of Confidence or Fiducial Limits Illustrated in the Case of the
    Binomial", Biometrika 1934.
    """
    if errors >= trials:
        return 1.0
    return _root(lambda rate: risk - binomial_cdf(errors, trials, rate)[0], 0.0, 1.0)


def exact_interval(errors: int, trials: int) -> tuple[float, float]:
    """Return the two-sided 95% interval of Clopper and Pearson; (0, 1) without trials."""
    if not trials:
        return 0.0, 1.0
    upper = upper_bound(errors, trials, RISK / 2)
    if not errors:
        return 0.0, upper
    # At the lower end, so many errors or more have the probability RISK / 2.
    fewer = errors - 1
    low = _root(lambda rate: 1 - RISK / 2 - binomial_cdf(fewer, trials, rate)[0], 0.0, 1.0)
    return low, upper


def trials_needed(errors: int, max_error: float, risk: float = RISK) -> int:
    """Return how many accepted pictures with `errors` among them show `max_error`."""
    trials = np.arange(errors + 1, int(20 * (errors + 1) / max_error) + 2)
    return int(trials[binomial_cdf(errors, trials, max_error) <= risk][0])


def fit_temperature(logits: NDArray[np.floating[Any]], labels: NDArray[np.integer[Any]]) -> float:
    """Return the temperature that minimises the negative log-likelihood of `labels` [N].

    Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017. The
    likelihood is convex in the inverse of the temperature, so its slope has one root.

    Args:
        logits: [N, classes].
        labels: the right class of each.
    """
    wide = logits.astype(np.float64)
    wide -= wide.max(axis=1, keepdims=True)
    wanted = wide[np.arange(len(labels)), labels].mean()

    def slope(log_inverse: float) -> float:
        weights = np.exp(wide * np.exp(log_inverse))
        means = (weights * wide).sum(axis=1) / weights.sum(axis=1)
        return float(means.mean() - wanted)

    return float(np.exp(-_root(slope, *_LOG_TEMPERATURES)))


def select(confidences: Confidences, correct: Correct, threshold: float | None) -> Selection:
    """Count what accepting answers [N] from `threshold` on, or none for None, means."""
    accepted = confidences >= (np.inf if threshold is None else threshold)
    count = int(accepted.sum())
    errors = int((accepted & ~correct).sum())
    return Selection(
        images=len(correct),
        accepted=count,
        errors=errors,
        read_rate=count / len(correct),
        error_rate=errors / count if count else 0.0,
        error_rate_bound=upper_bound(errors, count),
    )


def choose_threshold(confidences: Confidences, correct: Correct, max_error: float) -> float | None:
    """Return the most lenient of `shown_thresholds`; None without any, as with too few pictures."""
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
    # How many answers each threshold accepts, and how many of them are wrong.
    counts, errors = (
        len(values) - np.searchsorted(np.sort(values), THRESHOLDS)
        for values in (confidences, confidences[~correct])
    )
    starts = _starts(len(confidences), max_error)
    risk = RISK / starts
    passes = binomial_cdf(errors, counts, max_error) <= risk
    shown = np.zeros(len(passes), np.bool_)
    for allowed in range(starts):
        could_start = np.flatnonzero(binomial_cdf(allowed, counts, max_error) <= risk)
        for place in range(could_start[0] if len(could_start) else len(passes), len(passes)):
            if not passes[place]:
                break
            shown[place] = True
    return THRESHOLDS[shown]


def accepted_missing(confidences: Confidences, correct: Correct, max_error: float) -> int:
    """Return how many more accepted answers, all of them right, would show `max_error`."""
    flawless = int((confidences > confidences[~correct].max(initial=0.0)).sum())
    risk = RISK / _starts(len(confidences), max_error)
    return max(1, trials_needed(0, max_error, risk) - flawless)


def _starts(images: int, max_error: float) -> int:
    """Return the number of starts: each divides the risk, and the last must be reachable."""
    allowed = (
        starts
        for starts in range(MOST_STARTS, 1, -1)
        if binomial_cdf(starts - 1, int(_LAST_START * images), max_error) <= RISK / starts
    )
    return next(allowed, 1)


def _root(rises: Callable[[float], float], low: float, high: float) -> float:
    """Return where a rising function becomes positive between `low` and `high`."""
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if rises(middle) > 0 else (middle, high)
    return high
