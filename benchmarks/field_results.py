"""The figures of a run of `benchmarks.fields`."""

from collections.abc import Sequence

import numpy as np
from pydantic import BaseModel, ConfigDict

from benchmarks.field_readers import Read
from export.measure import select, wilson
from export.reader.measure import are_equal, digit_error_rate
from models.records import Interval, Selection

ERRORS = (0.01, 0.005)


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Score(_Record):
    """How well strips were read."""

    strips: int
    correct: int
    accuracy: float
    interval: Interval
    digit_error_rate: float


class ReadRate(_Record):
    """The share of strips accepted where errors among them are few."""

    max_error: float
    best: float  # at the best threshold for these very strips
    operating_point: Selection | None  # at the manifest's; None where it has no threshold


class SetResult(_Record):
    """One set, read in three ways."""

    name: str
    free: Score
    length_known: Score
    components: Score
    read_rates: tuple[ReadRate, ...]


class Mistake(_Record):
    """A strip read wrongly."""

    name: str
    written: str
    said: str
    confidence: float


class Results(_Record):
    """All that the report tells."""

    command: str
    machine: str
    seed: int
    reader: str
    model: str  # of the baseline
    sets: tuple[SetResult, ...]
    latency_ms: float
    fields_per_second: float
    drawn: Score
    drawn_mistakes: tuple[Mistake, ...]
    real_mistakes: tuple[Mistake, ...]


def score(read: Sequence[Read], written: Sequence[str]) -> Score:
    """Accuracy with its Wilson interval, and the digit error rate."""
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
    """The read rate at `max_error`: at the best threshold, and at `threshold` if any."""
    sure = np.array([strip.confidence for strip in read])
    correct = are_equal([strip.text for strip in read], written)
    return ReadRate(
        max_error=max_error,
        best=best_read_rate(sure, correct, max_error),
        operating_point=None if threshold is None else select(sure, correct, threshold),
    )


def best_read_rate(sure: np.ndarray, correct: np.ndarray, max_error: float) -> float:
    """The largest share of strips, most confident first, with errors of at most `max_error`.

    `sure` float64 [N], `correct` bool [N]. Strips of the same confidence are accepted together;
    one that nothing is read on, of confidence 0, never is.
    """
    order = np.argsort(-sure, kind="stable")
    errors = np.cumsum(~correct[order])
    accepted = np.arange(1, len(sure) + 1)
    confidences = sure[order]
    last_of_equals = np.append(confidences[1:] != confidences[:-1], True)
    allowed = (errors <= max_error * accepted) & last_of_equals & (confidences > 0)
    return float(accepted[allowed].max(initial=0)) / len(sure)


def worst(
    names: Sequence[str], read: Sequence[Read], written: Sequence[str], count: int
) -> tuple[tuple[int, ...], tuple[Mistake, ...]]:
    """The places and stories of the mistakes made with the highest confidence."""
    wrong = [place for place, strip in enumerate(read) if strip.text != written[place]]
    wrong.sort(key=lambda place: -read[place].confidence)
    chosen = tuple(wrong[:count])
    return chosen, tuple(
        Mistake(
            name=names[place],
            written=written[place],
            said=read[place].text,
            confidence=read[place].confidence,
        )
        for place in chosen
    )
