"""Decoding of the reader's probabilities into texts, under constraints.

>>> best, *others = decode(log_probabilities, Constraints(length=5))
>>> best.text, best.raw, best.spans
('18014', '18.014', ((3, 3), (7, 8), (14, 14), (18, 19), (24, 24)))
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from models.fields.alignment import Span, align, with_separators
from models.fields.constraints import Constraints
from models.fields.search import search
from models.fields.steps import LogProbabilities, Step, shorten

BEAMS = 8  # four are as accurate; more leave room for constraints
ALTERNATIVES = 3
# Limits below which digits of a step (absolute) and prefixes of the beam (relative to the best) are
# dropped. If no text satisfies the constraints, the search repeats with the thorough limits.
_USUAL = 1e-4, 1e-7
_THOROUGH = 1e-6, 1e-12
_NEGLIGIBLE = 1e-6  # relative to the best; less probable texts are no alternatives


@dataclass(frozen=True, eq=False)
class Hypothesis:
    """A possible text of a field, and its probability with any separators."""

    text: str
    probability: float
    log_probabilities: LogProbabilities
    steps: Sequence[Step]

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        """The first and last step of each digit."""
        return align(self.steps, self.text)

    @cached_property
    def raw(self) -> str:
        """The text with separators."""
        return with_separators(self.log_probabilities, self.text, self.spans)

    @cached_property
    def digit_probabilities(self) -> tuple[float, ...]:
        """The probability of each digit in its clearest step."""
        by_place = {step.first: step.digits for step in self.steps}
        return tuple(
            max(by_place[place][int(digit)] for place in range(first, last + 1))
            for digit, (first, last) in zip(self.text, self.spans, strict=True)
        )


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
        Hypothesis(text, min(1.0, probability), log_probabilities, steps)
        for text, probability in best_first[: 1 + alternatives]
        if probability >= least
    ]
