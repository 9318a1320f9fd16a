"""Measurements of an exported file on labelled digits."""

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from export.runtime import Outputs
from models.manifest import DIGITS, Calibration, Evaluation, OutlierRule
from models.records import Interval, Reliability, ReliabilityBin
from models.scores import MOST_OUTLIER

ECE_BINS = 15
Labels = NDArray[np.uint8]


def evaluate(outputs: Outputs, labels: Labels) -> Evaluation:
    """Measure accuracy, with its Wilson interval, and confusion matrix on `labels` [N]."""
    confusion = np.zeros((DIGITS, DIGITS), dtype=int)
    np.add.at(confusion, (labels, outputs.answers), 1)
    correct = int(np.trace(confusion))
    return Evaluation(
        images=len(labels),
        correct=correct,
        accuracy=correct / len(labels),
        accuracy_interval=wilson(correct, len(labels)),
        per_digit_accuracy=tuple(np.diag(confusion) / np.maximum(confusion.sum(axis=1), 1)),
        confusion_matrix=tuple(tuple(row) for row in confusion.tolist()),
    )


def wilson(correct: int, count: int) -> Interval:
    """Return Wilson's 95% interval of `correct` out of `count`."""
    interval = binomtest(correct, count).proportion_ci(method="wilson")
    return Interval(low=interval.low, high=interval.high)


def calibration(outputs: Outputs, labels: Labels, temperature: float) -> Calibration:
    """Measure calibration before and after dividing the logits by `temperature`."""
    return Calibration(
        temperature=temperature,
        before=reliability(outputs.at(1.0), labels),
        after=reliability(outputs, labels),
    )


def reliability(outputs: Outputs, labels: Labels) -> Reliability:
    """Measure confidence against accuracy in equal-width bins, and the likelihood of `labels`.

    Expected calibration error of Naeini, Cooper and Hauskrecht, "Obtaining Well
    Calibrated Probabilities Using Bayesian Binning", AAAI 2015.
    """
    of_label = outputs.probabilities[np.arange(len(labels)), labels]
    correct = outputs.answers == labels
    return binned(outputs.confidences, correct, float(-np.log(np.maximum(of_label, 1e-12)).mean()))


def binned(confidences: NDArray[np.float64], correct: NDArray[np.bool_], nll: float) -> Reliability:
    """Return the reliability of `confidences` [N], with the given `nll`."""
    places = np.minimum((confidences * ECE_BINS).astype(int), ECE_BINS - 1)
    bins = tuple(
        ReliabilityBin(
            images=int((places == place).sum()),
            confidence=float(confidences[places == place].mean()),
            accuracy=float(correct[places == place].mean()),
        )
        for place in np.unique(places)
    )
    ece = sum(bin_.images * abs(bin_.confidence - bin_.accuracy) for bin_ in bins) / len(correct)
    return Reliability(nll=nll, ece=ece, bins=bins)


def without_outliers(outputs: Outputs, rule: OutlierRule) -> NDArray[np.float64]:
    """Return what thresholds apply to, [N]: 0 for outliers, which the service never accepts."""
    scores = outputs.confidences * (1 - outputs.outlier.astype(np.float64))
    return np.where(are_outliers(outputs, rule), 0.0, scores)


def are_outliers(outputs: Outputs, rule: OutlierRule) -> NDArray[np.bool_]:
    """Whether `rule` takes each image for something else than a digit, [N]."""
    return (outputs.entropies > rule.entropy) | (outputs.outlier > MOST_OUTLIER)
