"""Decoding of the reader's probabilities into texts, under constraints.

>>> best, *others = decode(log_probabilities, Constraints(length=5))
>>> best.text, best.raw, best.spans
('18014', '18.014', ((3, 3), (7, 8), (14, 14), (18, 19), (24, 24)))
"""

from typing import NamedTuple

from models.fields.alignment import Span, align, with_separators
from models.fields.constraints import Constraints
from models.fields.search import search
from models.fields.steps import LogProbabilities, Step, shorten
from models.strips import DIGITS

BEAMS = 8  # four are as accurate; more leave room for constraints
ALTERNATIVES = 3
# Limits below which digits of a step (absolute) and prefixes of the beam (relative to the best) are
# dropped. If no text satisfies the constraints, the search repeats with the thorough limits.
_USUAL = 1e-4, 1e-7
_THOROUGH = 1e-6, 1e-12
_NEGLIGIBLE = 1e-6  # relative to the best; less probable texts are no alternatives


class Hypothesis(NamedTuple):
    """A possible text of a field.

    `probability` is that of `text` with any separators; `spans` are the first and last step of each
    digit, `digit_probabilities` its probability in its clearest step.
    """

    text: str
    raw: str  # with separators
    probability: float
    spans: tuple[Span, ...]
    digit_probabilities: tuple[float, ...]


def decode(
    log_probabilities: LogProbabilities,
    constraints: Constraints,
    *,
    beams: int = BEAMS,
    alternatives: int = ALTERNATIVES,
) -> list[Hypothesis]:
    """Return the most probable text of float32 [steps, classes], then up to `alternatives` others.

    All satisfy `constraints`; empty if no text does. A strip without digits has the text "", unless
    the constraints require digits.
    """
    for floor, hopeless in (_USUAL, _THOROUGH):
        steps = shorten(log_probabilities, floor)
        texts = search(steps, constraints, beams=beams, floor=floor, hopeless=hopeless)
        if texts or constraints.are_none:
            break
    least = max(texts.values(), default=0.0) * _NEGLIGIBLE
    best_first = sorted(texts.items(), key=lambda item: (-item[1], item[0]))
    return [
        _hypothesis(log_probabilities, steps, text, probability)
        for text, probability in best_first[: 1 + alternatives]
        if probability >= least
    ]


def _hypothesis(
    log_probabilities: LogProbabilities, steps: list[Step], text: str, probability: float
) -> Hypothesis:
    spans = align(steps, text)
    by_place = {step.first: step.digits for step in steps}
    return Hypothesis(
        text=text,
        raw=with_separators(log_probabilities, text, spans),
        probability=min(1.0, probability),
        spans=spans,
        digit_probabilities=tuple(
            max(by_place[place][DIGITS.index(digit)] for place in range(first, last + 1))
            for digit, (first, last) in zip(text, spans, strict=True)
        ),
    )
