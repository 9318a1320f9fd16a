"""Certainty of the symbols between the digits of a field."""

import re
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from models.fields.decode import Hypothesis
from models.fields.steps import LogProbabilities
from models.strips import BLANK, DIGITS, FRACTIONS, SEPARATORS, SYMBOLS

_FIRST_SYMBOL = 1 + len(DIGITS)
_FIRST_FRACTION = _FIRST_SYMBOL + len(SEPARATORS)
_OTHERS = SYMBOLS[len(DIGITS) :]

# Before the digits and after them these symbols are decoration, as blank as paper.
_BLANK_BEFORE, _BLANK_AFTER = "=#$*", "-=#$*"
_UNLIKELY = 0.01  # in every step; such a symbol is no alternative
_CERTAIN = 0.999  # alternatives are not searched for

Steps = NDArray[np.float64]  # [steps, classes], probabilities


def fraction_probability(log_probabilities: LogProbabilities) -> NDArray[np.float32]:
    """Return the probability of a fraction in each step; 0 if the reader knows none."""
    fractions = log_probabilities[:, _FIRST_FRACTION : _FIRST_FRACTION + len(FRACTIONS)]
    return np.asarray(np.exp(fractions).sum(axis=1), np.float32)


def symbols_between(raw: str) -> list[str]:
    """Return the symbols before, between and after the digits of `raw`."""
    return re.split("[0-9]", raw)


def certainty(
    log_probabilities: LogProbabilities,
    best: Hypothesis,
    meaning: Callable[[Sequence[str]], object],
) -> float:
    """Return the probability that the symbols mean what was read, if the digits are right.

    Another symbol in a gap between digits counts against it if it changes the `meaning` of the
    symbols in all gaps.

    Args:
        log_probabilities: float32 [steps, classes] of the reader.
        best: what was read.
        meaning: returns what digits with these symbols before, between and after them mean.
    """
    seen = symbols_between(best.raw)
    seen[0], seen[-1] = seen[0].strip(_BLANK_BEFORE), seen[-1].strip(_BLANK_AFTER)
    read = meaning(seen)
    ends = [first for first, _ in best.spans] + [len(log_probabilities)]
    starts = [0] + [last + 1 for _, last in best.spans]
    product = 1.0
    for gap, (start, end) in enumerate(zip(starts, ends, strict=True)):
        decoration = (_BLANK_BEFORE if gap == 0 else "") + (
            _BLANK_AFTER if gap == len(best.text) else ""
        )
        steps = _without_digits(log_probabilities[start:end], decoration)
        sure = _probability(steps, seen[gap])
        if sure < _CERTAIN:
            for other in _alternatives(steps, seen[gap]):
                if meaning([*seen[:gap], other, *seen[gap + 1 :]]) == read:
                    sure += _probability(steps, other)
        product *= min(1.0, sure)
    return product


def _without_digits(log_probabilities: LogProbabilities, decoration: str) -> Steps:
    """Return the probabilities under the condition that no digit is in a step."""
    steps = np.exp(log_probabilities, dtype=np.float64)
    steps[:, 1:_FIRST_SYMBOL] = 0
    blank = [_class_of(s) for s in decoration if _class_of(s) < steps.shape[1]]
    steps[:, BLANK] += steps[:, blank].sum(axis=1)
    steps[:, blank] = 0
    return np.asarray(steps / np.maximum(steps.sum(axis=1, keepdims=True), 1e-300))


def _alternatives(steps: Steps, seen: str) -> set[str]:
    likely = steps[:, _FIRST_SYMBOL:].max(axis=0, initial=0.0) > _UNLIKELY
    others = {"", *(_OTHERS[place] for place in np.flatnonzero(likely).tolist())}
    for place, symbol in enumerate(seen):
        rest = seen[place + 1 :]
        others |= {seen[:place] + rest, seen[:place] + 2 * symbol + rest}
    return others - {seen}


def _probability(steps: Steps, symbols: str) -> float:
    """Return the probability of all paths that say `symbols`: the forward algorithm of CTC."""
    places = [BLANK]
    for symbol in symbols:
        places += [_class_of(symbol), BLANK]
    # A symbol may follow another one directly, if they differ.
    jumps = [place for place in range(3, len(places), 2) if places[place] != places[place - 2]]
    scores = np.zeros(len(places))
    scores[0] = 1.0
    for step in steps:
        ahead = scores.copy()
        ahead[1:] += scores[:-1]
        ahead[jumps] += scores[[place - 2 for place in jumps]]
        scores = ahead * step[places]
    return float(scores[-2:].sum())


def _class_of(symbol: str) -> int:
    return 1 + SYMBOLS.index(symbol)
