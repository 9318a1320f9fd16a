"""Alignment of a text with the output steps of the reader, and its separators."""

from collections.abc import Sequence

import numpy as np

from models.fields.steps import LogProbabilities, Step
from models.strips import BLANK, DIGITS, SYMBOLS

Span = tuple[int, int]  # first and last step


def align(steps: Sequence[Step], text: str) -> tuple[Span, ...]:
    """Return the first and last step of each digit of `text` on its best path.

    Viterbi algorithm; () if there is no path through `steps`.
    """
    digits = [int(digit) for digit in text]
    # State 2i is before digit i, state 2i + 1 on it. A digit can follow another one directly, if
    # they differ. Unreachable states, and those from which the end is unreachable, are left out.
    count = 2 * len(digits) + 1
    jumps = [s % 2 == 1 and s > 1 and digits[s // 2] != digits[s // 2 - 1] for s in range(count)]
    scores = [1.0] + [0.0] * (count - 1)
    came: list[list[int]] = []
    lowest = count - 2 * len(steps)
    for place, step in enumerate(steps):
        best, back = [0.0] * count, [0] * count
        free, of_digits = step.free, step.digits
        reached = min(count, 2 * place + 2)
        for s in range(max(0, lowest + 2 * place), reached):
            score, origin = scores[s], s
            if s and scores[s - 1] > score:
                score, origin = scores[s - 1], s - 1
            if jumps[s] and scores[s - 2] > score:
                score, origin = scores[s - 2], s - 2
            if s % 2:
                score *= of_digits[digits[s // 2]] if of_digits else 0.0
            else:
                score *= free
            best[s], back[s] = score, origin
        # Normalised, because the score of a long strip would underflow.
        most = max(best)
        if most == 0:
            return ()
        scores = [score / most for score in best]
        came.append(back)
    state = max(range(max(0, count - 2), count), key=scores.__getitem__)
    if scores[state] == 0:
        return ()
    return _spans(steps, came, state, len(digits))


def _spans(
    steps: Sequence[Step], came: Sequence[Sequence[int]], state: int, digits: int
) -> tuple[Span, ...]:
    first, last = [0] * digits, [-1] * digits
    for step, back in zip(reversed(steps), reversed(came), strict=True):
        if state % 2:
            digit = state // 2
            first[digit] = step.first
            if last[digit] < 0:
                last[digit] = step.first
        state = back[state]
    return tuple(zip(first, last, strict=True))


def with_separators(log_probabilities: LogProbabilities, text: str, spans: Sequence[Span]) -> str:
    """Return `text` with the separators in the steps outside of `spans`."""
    classes = log_probabilities.argmax(axis=1)
    # Digits that are not in `text` become blanks.
    classes[(classes >= 1) & (classes <= len(DIGITS))] = BLANK
    for digit, (first, last) in zip(text, spans, strict=True):
        classes[first : last + 1] = 1 + DIGITS.index(digit)
    changed = classes[np.flatnonzero(np.diff(classes, prepend=-1))]
    return "".join(SYMBOLS[place - 1] for place in changed.tolist() if place != BLANK)
