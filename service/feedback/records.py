"""Predictions as they are recorded, and how one is referred to; needs no database library."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from pydantic import Field

from models.error_rates import exact_interval
from models.records import Count, Rate, Record
from service.inference.decisions import Answer, Decision, Reason
from service.inference.digits import Reading
from service.inference.field_answers import FieldAnswer, digits_alone
from service.inference.fields import FieldReading

_MAX_ID_LENGTH = 256

# What is less likely is no alternative.
_LEAST_CONFIDENCE = 0.01
_MAX_ALTERNATIVES = 5


class Kind(StrEnum):
    """What was read."""

    DIGIT = "digit"
    FIELD = "field"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was read in an image, with its index in the request and the client's id of it."""

    index: int
    id: str | int | None
    reading: Reading | FieldReading
    sent: bytes | None = None  # the file with the image; None if pixels were sent
    page: int = 1  # which page of it was read, from 1

    def row(self, *, image: bool) -> dict[str, Any]:
        """Return the row of the database, without the request's columns and the page.

        With the picture as the model saw it if `image`.
        """
        reading = self.reading
        answer, card, shown = reading.answer, reading.card, reading.shown
        return {
            "place": self.index,
            "item_id": None if self.id is None else stored_id(self.id),
            "kind": (Kind.FIELD if isinstance(reading, FieldReading) else Kind.DIGIT).value,
            "model": card.name,
            "version": card.version,
            "read": answer.digits_alone if isinstance(answer, FieldAnswer) else answer.text,
            "confidence": float(answer.confidence),
            "decision": answer.decision.value,
            "reasons": ",".join(answer.reasons),
            "image": shown.tobytes() if image and shown is not None else None,
            "page": None,
            "alternatives": json.dumps(_alternatives(answer)) if self.needs_review else None,
        }

    @property
    def needs_review(self) -> bool:
        """Whether a person should look at it."""
        return self.reading.answer.decision is Decision.REVIEW


def _alternatives(answer: Answer | FieldAnswer) -> list[tuple[str | None, float]]:
    """Return what else may be written, with confidences, the likeliest first."""
    found: list[tuple[str | None, float]]
    if isinstance(answer, FieldAnswer):
        read, others = answer.digits_alone, answer.alternatives
        found = [(digits_alone(each.text, each.value), each.confidence) for each in others]
    else:
        read = answer.text
        found = [(str(digit), each) for digit, each in enumerate(answer.probabilities.tolist())]
        found.sort(key=lambda each: -each[1])
    likely = [each for each in found if each[0] != read and each[1] >= _LEAST_CONFIDENCE]
    return likely[:_MAX_ALTERNATIVES]


class AuditResult(Record):
    """The error rate among accepted answers, from people's answers to a random share of them."""

    model: str
    version: str
    days: float = Field(description="The answers of this many days count.")
    answers: Count = Field(description="Answers of people to audited pictures.")
    errors: Count = Field(description="Readings that they found wrong.")
    error_rate: Rate | None = Field(description="Null without answers.")
    low: Rate = Field(description="Lower end of the exact 95% interval (Clopper-Pearson).")
    high: Rate = Field(description="Upper end of the interval.")

    @classmethod
    def of(cls, model: str, version: str, *, days: float, answers: int, errors: int) -> Self:
        """Return the result of `answers` with `errors` among them."""
        low, high = exact_interval(errors, answers)
        return cls(
            model=model,
            version=version,
            days=days,
            answers=answers,
            errors=errors,
            error_rate=errors / answers if answers else None,
            low=low,
            high=high,
        )


def is_audit(reasons: str) -> bool:
    """Return whether a prediction with the stored `reasons` would have been accepted."""
    return reasons == Reason.AUDIT


@dataclass(frozen=True)
class PredictionQuery:
    """Refers to a recorded prediction."""

    request_id: str
    index: int | None = None  # index of its image in a batch
    item_id: str | int | None = None  # the client's id of its image
    caller: str | None = None  # name of its API key; None for a service without keys
    any_caller: bool = False  # whether to search the predictions of all callers if `caller` is None
    # Its number in the database, if several requests may have the same id.
    number: int | None = None


def stored_id(item_id: str | int) -> str:
    """Return an item's id as it is stored: text of bounded length that any database accepts."""
    text = str(item_id)[:_MAX_ID_LENGTH]
    return text.encode("utf-8", "replace").decode().replace("\0", "?")
