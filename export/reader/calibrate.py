"""Calibration of the confidence of whole strips, and thresholds on it."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.stats import binom

from export.reader.read import Steps
from models.error_rates import RISK, Confidences, Correct, shown_thresholds
from models.fields.confidence import Features, confidences, features
from models.fields.decode import Hypothesis
from models.reader_card import ConfidenceRule
from models.strips import BLANK
from training.reader.loss import ctc
from training.reader.samples import Sample
from training.reader.targets import targets

MAX_ERRORS = (0.05, 0.02, 0.01, 0.005)
FOLDS = 10
_BATCH = 64
_BLANK_LOGIT = 60.0  # logit of the blank in padding
_SHRINKAGE = 1e-3  # keeps weights finite if one feature separates right from wrong

Read = Sequence[Sequence[Hypothesis]]  # for each strip, the best first


def fit_temperature(logits: Sequence[Steps], samples: Sequence[Sample]) -> float:
    """Return the temperature that minimises the CTC loss of held-out `samples`.

    Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks", ICML 2017, for
    strips instead of images.
    """
    batches = list(_batches(logits, samples))

    def loss(log_temperature: float) -> float:
        divisor = np.float32(np.exp(log_temperature))
        return sum(float(keras.ops.sum(ctc(texts, said / divisor))) for texts, said in batches)

    found = minimize_scalar(loss, bounds=(-1.5, 1.5), method="bounded", options={"xatol": 0.01})
    return float(np.exp(found.x))


def fit_confidence(
    found: Sequence[Features], correct: Correct, weights: Confidences
) -> ConfidenceRule:
    """Fit a monotonic logistic regression from features [N] to whether the text was `correct`.

    Platt, "Probabilistic Outputs for Support Vector Machines", 1999, with several scores.
    `weights` [N] are the weights of the strips.
    """
    inputs = np.column_stack([np.ones(len(found)), np.array(found)])
    sign = np.where(correct, 1.0, -1.0)
    weights = weights / weights.sum()

    def loss(rule: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        margins = sign * (inputs @ rule)
        slope = -sign * weights / (1 + np.exp(margins))
        shrunk = np.concatenate(([0.0], rule[1:]))
        value = weights @ np.logaddexp(0, -margins) + 0.5 * _SHRINKAGE * shrunk @ shrunk
        return float(value), inputs.T @ slope + _SHRINKAGE * shrunk

    bounds = [(None, None), *[(0, None)] * (inputs.shape[1] - 1)]
    fitted = minimize(loss, np.array([0.0, 1.0, 0, 0]), jac=True, method="L-BFGS-B", bounds=bounds)
    intercept, probability, margin, weakest = fitted.x.tolist()
    return ConfidenceRule(
        intercept=intercept, probability=probability, margin=margin, weakest=weakest
    )


class Kind(NamedTuple):
    """What was read from the strips of one kind, and whether the best text is right."""

    read: Read
    right: Correct

    def without(self, places: NDArray[np.intp]) -> "Kind":
        """Leave out the strips at `places`."""
        kept = np.setdiff1d(np.arange(len(self.read)), places)
        return Kind([self.read[place] for place in kept], self.right[kept])


def fit_on(kinds: Sequence[Kind]) -> ConfidenceRule:
    """Fit the rule on strips of several kinds, with equal weight for each kind."""
    weights = np.concatenate([np.full(len(k.right), 1 / max(1, len(k.right))) for k in kinds])
    strips = [strip for kind in kinds for strip in kind.read]
    readable = np.array([bool(strip) for strip in strips])
    correct = np.concatenate([kind.right for kind in kinds])
    found = [features(strip) for strip in strips if strip]
    return fit_confidence(found, correct[readable], weights[readable])


def out_of_fold(kind: Kind, others: Sequence[Kind]) -> Confidences:
    """Return confidences of `kind`, each by a rule fitted without its tenth of the strips.

    The tenths are consecutive, because neighbours can share a hand. `others` are fitted on too.
    """
    sure = np.zeros(len(kind.read))
    for inside in np.array_split(np.arange(len(kind.read)), FOLDS):
        rule = fit_on([kind.without(inside), *others])
        sure[inside] = confidence_of([kind.read[place] for place in inside], rule)
    return sure


def confidence_of(read: Read, rule: ConfidenceRule) -> Confidences:
    """Return the confidence of each strip's best text; 0 without a text or a digit."""
    return np.array([confidences(s, rule)[0] if s and s[0].text else 0.0 for s in read])


class Judged(NamedTuple):
    """Confidences of strips of one kind, and whether the text is right."""

    sure: Confidences
    right: Correct

    def contradicts(self, threshold: float, max_error: float) -> bool:
        """Return whether the errors at `threshold` have a probability of at most RISK."""
        accepted = self.sure >= threshold
        errors = int((accepted & ~self.right).sum())
        return errors > 0 and binom.sf(errors - 1, int(accepted.sum()), max_error) <= RISK


def choose(composed: Judged, real: Sequence[Judged], max_error: float) -> float | None:
    """Return the most lenient threshold shown on composed strips that no `real` kind contradicts.

    There are too few real strips to show it on them too.
    """
    for threshold in reversed(shown_thresholds(*composed, max_error)):
        if not any(kind.contradicts(threshold, max_error) for kind in real):
            return float(threshold)
    return None


def _batches(
    logits: Sequence[Steps], samples: Sequence[Sample]
) -> Iterator[tuple[NDArray[np.int32], Steps]]:
    order = sorted(range(len(logits)), key=lambda place: len(logits[place]))
    for start in range(0, len(order), _BATCH):
        places = order[start : start + _BATCH]
        said = np.zeros((len(places), len(logits[places[-1]]), logits[0].shape[1]), np.float32)
        said[:, :, BLANK] = _BLANK_LOGIT
        for row, place in zip(said, places, strict=True):
            row[: len(logits[place])] = logits[place]
        chosen = [samples[place] for place in places]
        yield targets([s.text for s in chosen], [s.separators_labelled for s in chosen]), said
