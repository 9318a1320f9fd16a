"""Figures of an exported file on labelled digits."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from scipy.stats import binomtest

from export.runtime import Outputs
from models.manifest import DIGITS, Calibration, Evaluation, Interval, Selection

ECE_BINS = 15
Labels = NDArray[np.uint8]


def evaluate(outputs: Outputs, labels: Labels) -> Evaluation:
    """Accuracy with its Wilson interval, confusion, likelihood and calibration on `labels` [N]."""
    confusion = np.zeros((DIGITS, DIGITS), dtype=int)
    np.add.at(confusion, (labels, outputs.answers), 1)
    correct = int(np.trace(confusion))
    interval = binomtest(correct, len(labels)).proportion_ci(method="wilson")
    return Evaluation(
        images=len(labels),
        correct=correct,
        accuracy=correct / len(labels),
        accuracy_interval=Interval(low=interval.low, high=interval.high),
        per_digit_accuracy=tuple(np.diag(confusion) / np.maximum(confusion.sum(axis=1), 1)),
        confusion_matrix=tuple(tuple(row) for row in confusion.tolist()),
        nll=negative_log_likelihood(outputs, labels),
        ece=expected_calibration_error(outputs.confidences, outputs.answers == labels),
    )


def calibration(outputs: Outputs, labels: Labels, temperature: float) -> Calibration:
    """Likelihood and calibration before and after the logits were divided by `temperature`."""
    before = Outputs(outputs.logits, softmax(outputs.logits, axis=1))
    return Calibration(
        temperature=temperature,
        nll_before=negative_log_likelihood(before, labels),
        nll_after=negative_log_likelihood(outputs, labels),
        ece_before=expected_calibration_error(before.confidences, before.answers == labels),
        ece_after=expected_calibration_error(outputs.confidences, outputs.answers == labels),
    )


def negative_log_likelihood(outputs: Outputs, labels: Labels) -> float:
    """Mean over the images, in nats."""
    of_label = outputs.probabilities[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(of_label, 1e-12)).mean())


def expected_calibration_error(
    confidences: NDArray[np.float64], correct: NDArray[np.bool_]
) -> float:
    """Mean gap between confidence and accuracy over equal-width bins, weighted by their images.

    Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian
    Binning", AAAI 2015.
    """
    bins = np.minimum((confidences * ECE_BINS).astype(int), ECE_BINS - 1)
    gaps = np.bincount(bins, weights=confidences - correct, minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / len(confidences))


def select(outputs: Outputs, labels: Labels, threshold: float | None) -> Selection:
    """What accepting answers of at least `threshold` (None: no answer) does on `labels` [N]."""
    accepted = outputs.confidences >= (np.inf if threshold is None else threshold)
    count = int(accepted.sum())
    errors = int((accepted & (outputs.answers != labels)).sum())
    bound = 1.0
    if count:
        # The upper end of the two-sided 90% interval is the one-sided 95% bound.
        bound = binomtest(errors, count).proportion_ci(0.9, method="exact").high
    return Selection(
        images=len(labels),
        accepted=count,
        errors=errors,
        read_rate=count / len(labels),
        error_rate=errors / count if count else 0.0,
        error_rate_bound=bound,
    )
