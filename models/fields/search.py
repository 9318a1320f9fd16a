"""CTC prefix beam search over digits, with constraints inside.

Graves, "Supervised Sequence Labelling with Recurrent Neural Networks", 2012, section 7.5; Hannun,
Maas, Jurafsky and Ng, arXiv 1408.2873. The beam has the best texts, and with constraints also the
best in each of their states, because a valid text can look improbable for many steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from models.fields.constraints import START, Constraints, State
from models.fields.steps import Step
from models.strips import DIGITS

_ROOM_FOR_STATES = 4  # size, in beams, of the additional room for states


@dataclass(slots=True)
class _Prefix:
    """A text so far: probability of ending in no digit, and of ending in its last digit."""

    free: float
    digit: float
    state: State

    @property
    def total(self) -> float:
        return self.free + self.digit


_Beam = dict[str, _Prefix]


def search(
    steps: Sequence[Step], constraints: Constraints, *, beams: int, floor: float, hopeless: float
) -> dict[str, float]:
    """Return the texts in the beam that satisfy `constraints`, with their probabilities.

    Drops digits less probable than `floor` in a step, and prefixes less probable than `hopeless`
    times the best one.
    """
    possible = [
        [(digit, p) for digit, p in zip(DIGITS, step.digits, strict=False) if p > floor]
        for step in steps
    ]
    digits_ahead = sum(map(bool, possible))
    beam: _Beam = {"": _Prefix(1.0, 0.0, START)}
    for step, digits in zip(steps, possible, strict=True):
        if not digits:
            for prefix in beam.values():
                prefix.free, prefix.digit = prefix.total * step.free, 0.0
            continue
        beam = _advance(beam, step.free, digits, constraints)
        digits_ahead -= 1
        beam = _prune(beam, constraints, beams, digits_ahead, hopeless)
    return {text: p.total for text, p in beam.items() if p.total > 0 and constraints.hold(p.state)}


def _advance(
    beam: _Beam, free: float, digits: list[tuple[str, float]], constraints: Constraints
) -> _Beam:
    grown: _Beam = {}
    is_bound = not constraints.are_none
    for text, prefix in beam.items():
        total = prefix.free + prefix.digit
        same = grown.get(text)
        if same is None:
            same = grown[text] = _Prefix(total * free, 0.0, prefix.state)
        else:
            same.free = total * free
        last = text[-1:]
        for digit, p in digits:
            gain = total * p
            if digit == last:
                same.digit += prefix.digit * p
                gain = prefix.free * p  # a repeated digit needs something between
            longer_text = text + digit
            longer = grown.get(longer_text)
            if longer is not None:
                longer.digit += gain
            elif gain > 0:
                state: State | None = prefix.state
                if is_bound:
                    state = constraints.extend(prefix.state, int(digit))
                if state is not None:
                    grown[longer_text] = _Prefix(0.0, gain, state)
    return grown


def _prune(
    beam: _Beam, constraints: Constraints, beams: int, digits_ahead: int, hopeless: float
) -> _Beam:
    best_first = sorted(beam.items(), key=_total, reverse=True)
    if not best_first:
        return beam
    least = best_first[0][1].total * hopeless
    if constraints.are_none:
        return {text: prefix for text, prefix in best_first[:beams] if prefix.total >= least}
    pruned: _Beam = {}
    states: set[State] = set()
    for text, prefix in best_first:
        if prefix.total < least or len(pruned) > (1 + _ROOM_FOR_STATES) * beams:
            break
        if constraints.missing(prefix.state) > digits_ahead:
            continue
        if len(pruned) < beams or prefix.state not in states:
            pruned[text] = prefix
        states.add(prefix.state)
    return pruned


def _total(item: tuple[str, _Prefix]) -> float:
    prefix = item[1]
    return prefix.free + prefix.digit
