"""A reader's probabilities, shortened to the steps where there is something to decide."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.strips import DIGITS

LogProbabilities = NDArray[np.float32]  # [steps, classes]

_FIRST_SEPARATOR = 1 + len(DIGITS)


class Step(NamedTuple):
    """One step that may say a digit, or a run of steps that say none."""

    first: int  # place among the reader's steps
    free: float  # the probability of no digit: of the blank and the separators
    digits: tuple[float, ...]  # of each digit; empty for a run that says none


def shorten(log_probabilities: LogProbabilities, floor: float) -> list[Step]:
    """The steps of `log_probabilities` where digits reach `floor` together, and the runs between.

    Between digits a separator parts as a blank does and neither is part of the text. So the two
    are one: the sum over all separators that may stand in a text is done with.
    """
    probabilities = np.exp(log_probabilities, dtype=np.float64)
    digits = probabilities[:, 1:_FIRST_SEPARATOR]
    free = probabilities[:, 0] + probabilities[:, _FIRST_SEPARATOR:].sum(axis=1)
    says = np.flatnonzero(digits.sum(axis=1) > floor)
    steps: list[Step] = []
    before = 0
    for place, of_digits in zip(says.tolist(), digits[says].tolist(), strict=True):
        if before < place:
            steps.append(Step(before, float(free[before:place].prod()), ()))
        steps.append(Step(place, float(free[place]), tuple(of_digits)))
        before = place + 1
    if before < len(free):
        steps.append(Step(before, float(free[before:].prod()), ()))
    return steps
