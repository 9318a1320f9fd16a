"""The digits that a reader's probabilities say, under what is known of the field.

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

BEAMS = 8  # four read as well; more make room for constraints
ALTERNATIVES = 3
# The digits left out in a step, and the prefixes left out of the beam: absolute, and relative to
# the best. Where nothing is found that satisfies the constraints, the search looks closer.
_USUAL = 1e-4, 1e-7
_THOROUGH = 1e-6, 1e-12
_NEGLIGIBLE = 1e-6  # times as likely as the best; no alternative to it


class Hypothesis(NamedTuple):
    """What may stand in a field.

    `probability` is that of `text`, whatever the separators; `spans` are the first and the last
    step of each digit, `digit_probabilities` the digit's own in its clearest step.
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
    """The likeliest text of float32 [steps, classes] and up to so many `alternatives`, best first.

    All satisfy `constraints`; none where nothing does. A strip that holds no digits has the text
    "", unless the constraints ask for some.
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
