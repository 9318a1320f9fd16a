"""Figures of the fields benchmark, as in fields.json."""

from collections.abc import Sequence

import numpy as np

from benchmarks.fields.readers import Read
from benchmarks.reports import Record, Split
from export.measure import wilson
from export.reader.measure import are_equal, digit_error_rate
from models.error_rates import select
from models.records import Interval, Selection

MAX_ERRORS = (0.01, 0.005)


class Score(Record):
    """How well strips were read."""

    strips: int
    correct: int
    accuracy: float
    interval: Interval
    digit_error_rate: float


class ReadRate(Record):
    """The share of strips accepted at a maximum error rate."""

    max_error: float
    best: float  # at the best threshold for these very strips
    operating_point: Selection | None  # at the manifest's; None if it has no threshold


class SetResult(Record):
    """One set, read freely and with the lengths known."""

    name: str
    free: Score
    length_known: Score
    read_rates: tuple[ReadRate, ...]


class Mistake(Record):
    """A strip read wrongly."""

    name: str
    written: str
    said: str
    confidence: float


class Results(Record):
    """All figures of one run."""

    command: str
    machine: str
    split: Split
    seed: int
    reader: str
    sets: tuple[SetResult, ...]
    latency_ms: float
    fields_per_second: float
    real_mistakes: tuple[Mistake, ...]


def score(read: Sequence[Read], written: Sequence[str]) -> Score:
    """Compute accuracy with its Wilson interval, and the digit error rate."""
    said = [strip.text for strip in read]
    correct, count = int(are_equal(said, written).sum()), len(written)
    return Score(
        strips=count,
        correct=correct,
        accuracy=correct / count,
        interval=wilson(correct, count),
        digit_error_rate=digit_error_rate(said, written),
    )


def read_rate(
    read: Sequence[Read], written: Sequence[str], max_error: float, threshold: float | None
) -> ReadRate:
    """Compute the read rate at `max_error`: at the best threshold, and at `threshold` if any."""
    confidence = np.array([strip.confidence for strip in read])
    correct = are_equal([strip.text for strip in read], written)
    return ReadRate(
        max_error=max_error,
        best=best_read_rate(confidence, correct, max_error),
        operating_point=None if threshold is None else select(confidence, correct, threshold),
    )


def best_read_rate(confidence: np.ndarray, correct: np.ndarray, max_error: float) -> float:
    """Return the largest share of strips, most confident first, with an error rate <= `max_error`.

    `confidence` is float64 [N], `correct` bool [N]. Strips of equal confidence are accepted
    together; a strip of confidence 0, on which nothing is read, never is.
    """
    order = np.argsort(-confidence, kind="stable")
    errors = np.cumsum(~correct[order])
    accepted = np.arange(1, len(confidence) + 1)
    ordered = confidence[order]
    last_of_equals = np.append(ordered[1:] != ordered[:-1], True)
    allowed = (errors <= max_error * accepted) & last_of_equals & (ordered > 0)
    return float(accepted[allowed].max(initial=0)) / len(confidence)


def worst(
    names: Sequence[str], read: Sequence[Read], written: Sequence[str], count: int
) -> tuple[Mistake, ...]:
    """Return the `count` mistakes with the highest confidence."""
    mistakes = [
        Mistake(name=name, written=text, said=strip.text, confidence=strip.confidence)
        for name, strip, text in zip(names, read, written, strict=True)
        if strip.text != text
    ]
    return tuple(sorted(mistakes, key=lambda mistake: -mistake.confidence)[:count])
