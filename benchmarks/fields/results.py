"""Figures of the fields benchmark, as in fields.json."""

from collections.abc import Sequence

import numpy as np

from benchmarks.fields.readers import Read
from benchmarks.reports import Record, Report, Split
from export.measure import wilson
from export.reader.measure import are_equal, digit_error_rate
from models.error_rates import select
from models.fields.certainty import symbols_between
from models.fields.formats import Notation
from models.records import Interval, Selection
from service.inference.decisions import Decision
from service.inference.field_answers import FieldAnswer
from training.reader.texts import label, only_digits


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


class Mistake(Record):
    """A strip read wrongly."""

    name: str
    written: str
    said: str
    confidence: float


class Beside(Record):
    """The same strips read by another program, and the time of both for a strip."""

    score: Score
    best: float  # as in `ReadRate`
    latency_ms: float
    own_latency_ms: float


class SetResult(Record):
    """One set, read freely and with the lengths known; the worst mistakes of a real one."""

    name: str
    free: Score
    length_known: Score
    read_rates: tuple[ReadRate, ...]
    beside: Beside | None = None
    mistakes: tuple[Mistake, ...] = ()


class Accepted(Record):
    """Accepted answers, and how many have a wrong text, symbol or amount."""

    accepted: int
    wrong_text: int
    wrong_raw: int
    wrong_amount: int = 0


class Signed(Record):
    """Strips with fractions, signs or letters, read without a format and as amounts.

    `amounts` can mean an amount; where others are accepted as one, it is wrong.
    """

    strips: int
    raw_right: int
    amounts: int
    free: Accepted
    as_amounts: Accepted


class Results(Report):
    """All figures of one run."""

    split: Split
    seed: int
    reader: str
    sets: tuple[SetResult, ...]
    signed: Signed
    latency_ms: float
    fields_per_second: float


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


def signed(
    free: Sequence[FieldAnswer], as_amounts: Sequence[FieldAnswer], written: Sequence[str]
) -> Signed:
    """Count mistakes on strips `written` with fractions, signs or letters."""
    amounts = [Notation("amount").readings(text) for text in written]
    wrong = [
        answer.decision is Decision.ACCEPT and answer.value not in values
        for answer, values in zip(as_amounts, amounts, strict=True)
    ]
    return Signed(
        strips=len(written),
        raw_right=sum(
            answer.raw == label(text) for answer, text in zip(free, written, strict=True)
        ),
        amounts=sum(bool(values) for values in amounts),
        free=_accepted(free, written),
        as_amounts=_accepted(as_amounts, written).model_copy(update={"wrong_amount": sum(wrong)}),
    )


def _accepted(answers: Sequence[FieldAnswer], written: Sequence[str]) -> Accepted:
    pairs = [
        (answer, label(text))
        for answer, text in zip(answers, written, strict=True)
        if answer.decision is Decision.ACCEPT
    ]
    return Accepted(
        accepted=len(pairs),
        wrong_text=sum(answer.text not in (None, _text(raw)) for answer, raw in pairs),
        wrong_raw=sum(answer.raw != raw for answer, raw in pairs),
    )


def _text(raw: str) -> str | None:
    # The digits of a fraction, or with letters or with signs among them, are no number.
    _, *between, _ = symbols_between(raw)
    is_number = not {*raw} & {*"/_x"} and not {*"".join(between)} & {*"$*"}
    return only_digits(raw) if is_number else None


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
