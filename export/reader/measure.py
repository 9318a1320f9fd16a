"""Measurements of an exported reader on labelled strips."""

from collections.abc import Sequence

import numpy as np

from export.measure import binned, wilson
from export.speed import hardware, median_seconds, on_one_thread
from models.error_rates import Confidences, Correct
from models.reader_card import FieldEvaluation, FieldSpeed
from models.strips import HEIGHT, PAPER

WIDTH = 160  # columns: four or five digits
_BATCH = 16
_ROUNDS = 50


def evaluate(
    said: Sequence[str], said_by_length: Sequence[str], written: Sequence[str], sure: Confidences
) -> FieldEvaluation:
    """Measure the texts read from N strips, without and with known length."""
    correct = are_equal(said, written)
    with_length = int(are_equal(said_by_length, written).sum())
    count, right = len(written), int(correct.sum())
    return FieldEvaluation(
        strips=count,
        correct=right,
        accuracy=right / count,
        accuracy_interval=wilson(right, count),
        correct_length_known=with_length,
        accuracy_length_known=with_length / count,
        digit_error_rate=digit_error_rate(said, written),
        reliability=binned(sure, correct, _nll(sure, correct)),
    )


def are_equal(said: Sequence[str], written: Sequence[str]) -> Correct:
    """Return whether each of N texts was read without a mistake."""
    return np.array([one == other for one, other in zip(said, written, strict=True)], np.bool_)


def digit_error_rate(said: Sequence[str], written: Sequence[str]) -> float:
    """Return the edit distance between read and written texts, per written digit."""
    edits = sum(edit_distance(one, other) for one, other in zip(said, written, strict=True))
    return edits / sum(map(len, written))


def edit_distance(one: str, other: str) -> int:
    """Return the Levenshtein distance."""
    row = list(range(len(other) + 1))
    for place, symbol in enumerate(one, 1):
        before, row = row, [place]
        for column, wanted in enumerate(other, 1):
            changed = before[column - 1] + (symbol != wanted)
            row.append(min(changed, before[column] + 1, row[-1] + 1))
    return row[-1]


def measure_speed(content: bytes) -> FieldSpeed:
    """Time the ONNX file `content` on one strip and on sixteen."""
    session = on_one_thread(content)
    images = np.full((_BATCH, HEIGHT, WIDTH), PAPER, np.uint8)
    return FieldSpeed(
        hardware=hardware(),
        width=WIDTH,
        latency_ms=1_000 * median_seconds(session, images[:1], rounds=_ROUNDS),
        strips_per_second=_BATCH / median_seconds(session, images, rounds=_ROUNDS),
    )


def _nll(sure: Confidences, correct: Correct) -> float:
    return float(-np.log(np.maximum(np.where(correct, sure, 1 - sure), 1e-12)).mean())
