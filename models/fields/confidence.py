"""Confidence of a whole field, fitted by export and used by the service."""

from collections.abc import Sequence
from math import exp, log
from typing import NamedTuple

from models.fields.decode import Hypothesis
from models.reader_card import ConfidenceRule

_LEAST = 1e-6  # probabilities closer to 0 or 1 are clipped


class Features(NamedTuple):
    """Inputs of the confidence, as log-odds."""

    probability: float
    margin: float
    weakest: float


def features(hypotheses: Sequence[Hypothesis]) -> Features:
    """Return the features of `hypotheses`, at least one, the best first."""
    best = hypotheses[0]
    second = hypotheses[1].probability if len(hypotheses) > 1 else 0.0
    return Features(
        _log_odds(best.probability),
        _log_odds(best.probability / (best.probability + second)),
        _log_odds(min(best.digit_probabilities, default=best.probability)),
    )


def confidences(hypotheses: Sequence[Hypothesis], rule: ConfidenceRule) -> list[float]:
    """Return the calibrated probability of each of `hypotheses`, the best first.

    The others share the remaining probability in proportion to their own.
    """
    if not hypotheses:
        return []
    best, *others = hypotheses
    sure = _confidence(features(hypotheses), rule)
    beside = sum(other.probability for other in others)
    # Texts that are not among the hypotheses keep their share.
    doubt = (1 - sure) / max(1 - best.probability, beside) if beside else 0.0
    return [sure, *(min(sure, other.probability * doubt) for other in others)]


def _confidence(found: Features, rule: ConfidenceRule) -> float:
    score = (
        rule.intercept
        + rule.probability * found.probability
        + rule.margin * found.margin
        + rule.weakest * found.weakest
    )
    return 1 / (1 + exp(-score))


def _log_odds(probability: float) -> float:
    bounded = min(max(probability, _LEAST), 1 - _LEAST)
    return log(bounded / (1 - bounded))
