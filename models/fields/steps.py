"""Shortening of the reader's probabilities to the steps that matter."""

from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.strips import DIGITS

LogProbabilities = NDArray[np.float32]  # [steps, classes]

_FIRST_SEPARATOR = 1 + len(DIGITS)


class Step(NamedTuple):
    """One step with a possible digit, or a run of steps without."""

    first: int  # index among the steps of the reader
    free: float  # probability of no digit: blank or separator
    digits: tuple[float, ...]  # probability of each digit; empty for a run without


def shorten(log_probabilities: LogProbabilities, floor: float) -> list[Step]:
    """Return the steps where digits together exceed `floor`, and the runs between them.

    A separator acts like a blank between digits, and neither is part of the text, so their
    probabilities are added.
    """
    probabilities = np.exp(log_probabilities, dtype=np.float64)
    digits = probabilities[:, 1:_FIRST_SEPARATOR]
    free = (probabilities[:, 0] + probabilities[:, _FIRST_SEPARATOR:].sum(axis=1)).tolist()
    has_digit = (digits.sum(axis=1) > floor).nonzero()[0]
    steps: list[Step] = []
    before = 0
    for place, of_digits in zip(has_digit.tolist(), digits[has_digit].tolist(), strict=True):
        if before < place:
            steps.append(Step(before, prod(free[before:place]), ()))
        steps.append(Step(place, free[place], tuple(of_digits)))
        before = place + 1
    if before < len(free):
        steps.append(Step(before, prod(free[before:]), ()))
    return steps
