"""The scores of a strip's steps to a text, its digits with their boxes, and a decision."""

from collections.abc import Sequence
from enum import StrEnum
from functools import partial
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.fields.certainty import certainty, fraction_probability, symbols_between
from models.fields.confidence import confidences
from models.fields.constraints import Constraints
from models.fields.decode import Hypothesis, decode
from models.fields.formats import ANY, Amount, Format, Notation, Value
from models.reader_card import ReaderCard
from models.strips import DIGITS, FRACTIONS
from service.imaging import SeenStrip, is_cut_off
from service.inference.boxes import Box, boxes
from service.inference.decisions import Decision, soften_alone

# A text that satisfies the constraints but is less likely than this is not what is written: it
# holds a digit that the reader did not see, or lacks one that it did. Measured on 2,294 fields,
# composed of MNIST's training digits and real amounts, with a length and a check digit: below are
# 0.7% of the likeliest texts if these are right, 94% if they are wrong. No digit of the others has
# less than 0.7%.
_NO_MATCH = 0.01

# A step this likely to be a slash is not read as a digit, or as nothing.
_SUSPECTED_FRACTION = 0.2

# Least certainty of the symbols that decide an amount or a date: of what is accepted, at most one
# in ten may mean something else by its symbols alone; a stricter threshold applies to the whole.
_LEAST_CERTAINTY = 0.9

# A wider gap between digits, in heights of the tallest one, may separate units from cents.
_WIDE = 0.6


class FieldReason(StrEnum):
    """Why to review a field."""

    LOW_CONFIDENCE = "low_confidence"
    BLANK = "blank"
    NOT_A_DIGIT = "not_a_digit"
    NO_MATCH = "no_match"
    FRACTION = "fraction"
    CUT_OFF = "cut_off"
    AMBIGUOUS = "ambiguous"
    MISMATCH = "mismatch"
    UNSURE_PLACE = "unsure_place"
    AUDIT = "audit"


class ReadDigit(NamedTuple):
    """One digit of a field, its own probability, and its box."""

    digit: int
    confidence: float
    box: Box


class Alternative(NamedTuple):
    """Another possible text, and what it means in the requested format."""

    text: str
    confidence: float
    value: Value | None = None


class FieldAnswer(NamedTuple):
    """The text of a field, and the decision."""

    # Its digits; None if nothing could be read, or nothing that satisfies the constraints, and for
    # a fraction, whose digits are no number.
    text: str | None
    raw: str | None  # the digits with the other symbols
    confidence: float  # the probability that `text` and `value` are right; 0 if both are None
    digits: tuple[ReadDigit, ...]  # the digits one by one
    # Other texts, the likeliest first; if none satisfies the constraints, those that do not.
    alternatives: tuple[Alternative, ...]
    decision: Decision
    reasons: tuple[FieldReason, ...]  # why to review it; empty if it is accepted
    format: Format | None = None
    # What is written, in that format; None if it is not, or could mean several values.
    value: Value | None = None
    match: bool | None = None  # whether `value` is the expected amount; None if none is expected

    @property
    def digits_alone(self) -> str | None:
        """See the function of this name."""
        return digits_alone(self.text, self.value)


def digits_alone(text: str | None, value: Value | None) -> str | None:
    """Return `text`; of an amount its cents, 12575 for 125.75, and of a date 20260326."""
    if isinstance(value, Amount):
        return str(100 * value.units + value.cents)
    return text if value is None else value.replace("-", "")


def answer_of(
    scores: NDArray[np.float32],
    seen: SeenStrip,
    card: ReaderCard,
    constraints: Constraints,
    threshold: float | None,
    temperature: float = 1.0,
    notation: Notation = ANY,
) -> FieldAnswer:
    """Pick the likeliest text that satisfies `constraints`, and accept or review it.

    The log-probabilities `scores` are float32 [steps, classes]. A threshold of None accepts
    nothing; `temperature`, of a calibration, is applied to the confidence before it.
    """
    likeliest = scores.argmax(axis=1)
    if not ((likeliest >= 1) & (likeliest <= len(DIGITS))).any():
        return unread(FieldReason.NOT_A_DIGIT, notation=notation)
    hypotheses = decode(scores, constraints)
    if not constraints.are_none and (not hypotheses or hypotheses[0].probability < _NO_MATCH):
        texts = _texts(decode(scores, Constraints()), card, ANY)
        return unread(FieldReason.NO_MATCH, notation=notation, texts=texts)
    (text, confidence, _), *others = _texts(hypotheses, card, notation)
    if not text:
        return unread(FieldReason.NOT_A_DIGIT, notation=notation)
    best = hypotheses[0]
    reasons = _suspicions(scores, best, notation.format)
    if notation.format is None and _has_fraction(best):
        return unread(*reasons, raw=best.raw)
    digits = _digits(best, seen)
    if is_cut_off(seen, [digit.box for digit in digits]):
        reasons.append(FieldReason.CUT_OFF)
    confidence = soften_alone(confidence, temperature)
    value: Value | None = None
    sure = 1.0
    if notation.format is not None:
        wide = _wide_gaps(digits)
        meaning = partial(_meaning, notation, text, wide)
        readings = meaning(symbols_between(best.raw))
        if not readings or readings == (None,):
            texts = [Alternative(text, confidence), *others]
            reasons = reasons or [FieldReason.NO_MATCH]
            return unread(*reasons, notation=notation, texts=texts, raw=best.raw)
        if any(wide):
            # What another text means depends on its own gaps.
            others = [each._replace(value=None) for each in others]
        if len(readings) > 1:
            reasons.append(FieldReason.AMBIGUOUS)
            share = confidence / len(readings)
            others = [*(Alternative(text, share, each) for each in readings if each), *others]
        else:
            value, sure = readings[0], certainty(scores, best, meaning)
            confidence *= sure
    match = notation.matches(value)
    if match is False and value is not None:
        reasons.append(FieldReason.MISMATCH)
    if threshold is None or confidence < threshold or sure < _LEAST_CERTAINTY:
        reasons.append(FieldReason.LOW_CONFIDENCE)
    is_number = notation.format != "amount" or not _has_fraction(best)
    return FieldAnswer(
        text if is_number else None,
        best.raw,
        confidence if is_number or value is not None else 0.0,
        digits,
        tuple(others),
        Decision.REVIEW if reasons else Decision.ACCEPT,
        tuple(reasons),
        notation.format,
        value,
        match,
    )


def unread(
    *reasons: FieldReason,
    notation: Notation = ANY,
    texts: Sequence[Alternative] = (),
    raw: str | None = None,
) -> FieldAnswer:
    """Return the answer for a field without a text that may be it; `texts` are other ones."""
    others = tuple(each for each in texts if each.text)
    form, match = notation.format, notation.matches(None)
    return FieldAnswer(None, raw, 0.0, (), others, Decision.REVIEW, reasons, form, match=match)


def _suspicions(
    scores: NDArray[np.float32], best: Hypothesis, form: Format | None
) -> list[FieldReason]:
    """Return what speaks against the symbols that were read, other than digits."""
    found = []
    fraction = fraction_probability(scores)
    if form in ("amount", "date"):
        # Expected, but not where a digit is read; `certainty` is about the other steps.
        inside = [fraction[first : last + 1] for first, last in best.spans]
        fraction = np.concatenate(inside)
    elif _has_fraction(best):
        found.append(FieldReason.FRACTION)
    if not found and fraction.max(initial=0.0) > _SUSPECTED_FRACTION:
        found.append(FieldReason.FRACTION)
    _, *between, _ = symbols_between(best.raw)
    # In amounts, a word beside a slash means no cents; `Notation` knows no other words.
    is_word = "x" in best.raw and not (form == "amount" and "/" in best.raw)
    if is_word or any({*symbols} & {*"$*"} for symbols in between):
        found.append(FieldReason.NOT_A_DIGIT)
    return found


def _has_fraction(best: Hypothesis) -> bool:
    return any(symbol in best.raw for symbol in FRACTIONS)


def _meaning(
    notation: Notation, text: str, wide: Sequence[bool], symbols: Sequence[str]
) -> tuple[Value | None, ...]:
    """Return what `text` means with `symbols` before, between and after its digits."""
    first, *between, last = symbols
    gaps = (each or " " * is_wide for each, is_wide in zip(between, wide, strict=True))
    return notation.readings("".join((first, *chain(*zip(text, (*gaps, last), strict=True)))))


def _wide_gaps(digits: Sequence[ReadDigit]) -> list[bool]:
    """Return whether there is a wide gap after each of `digits` but the last."""
    height = max(digit.box[3] for digit in digits)
    return [
        after.box[0] - before.box[0] - before.box[2] > _WIDE * height
        for before, after in pairwise(digits)
    ]


def _texts(
    hypotheses: Sequence[Hypothesis], card: ReaderCard, notation: Notation
) -> list[Alternative]:
    """Return the text, confidence and value of each of `hypotheses`, the likeliest first."""
    sure = confidences(hypotheses, card.confidence)
    values = (notation.readings(each.raw) if notation.format else () for each in hypotheses)
    return [
        Alternative(each.text, its, value[0] if len(value) == 1 else None)
        for each, its, value in zip(hypotheses, sure, values, strict=True)
    ]


def _digits(best: Hypothesis, seen: SeenStrip) -> tuple[ReadDigit, ...]:
    places = boxes(seen.strip, best.spans, seen.shape)
    digits = zip(best.text, best.digit_probabilities, places, strict=True)
    return tuple(
        ReadDigit(int(digit), min(1.0, probability), (seen.left + x, seen.top + y, width, height))
        for digit, probability, (x, y, width, height) in digits
    )
