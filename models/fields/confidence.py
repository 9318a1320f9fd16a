"""How sure the reader may be of a whole field: what export fits and the service decides by."""

from collections.abc import Sequence
from math import exp, log
from typing import NamedTuple

from models.fields.decode import Hypothesis
from models.reader_card import ConfidenceRule

_LEAST = 1e-6  # probabilities nearer to 0 or 1 say no more


class Features(NamedTuple):
    """What the confidence follows from, as log-odds."""

    probability: float
    margin: float
    weakest: float


def features(hypotheses: Sequence[Hypothesis]) -> Features:
    """Of the best of `hypotheses`, which are one at least and best first."""
    best = hypotheses[0]
    second = hypotheses[1].probability if len(hypotheses) > 1 else 0.0
    return Features(
        _log_odds(best.probability),
        _log_odds(best.probability / (best.probability + second)),
        _log_odds(min(best.digit_probabilities, default=best.probability)),
    )


def confidences(hypotheses: Sequence[Hypothesis], rule: ConfidenceRule) -> list[float]:
    """The probability that each of `hypotheses`, best first, is what stands there.

    The others share what the best leaves, as likely as they are beside one another and it.
    """
    if not hypotheses:
        return []
    best, *others = hypotheses
    sure = _confidence(features(hypotheses), rule)
    beside = sum(other.probability for other in others)
    # What no hypothesis holds keeps its part of the doubt.
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
