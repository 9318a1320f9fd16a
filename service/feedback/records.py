"""Predictions as they are recorded, and how one is referred to; needs no database library."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from service.inference.digits import Reading
from service.inference.fields import FieldReading

_MAX_ID_LENGTH = 256
# Memory that a row takes until it is written, without its picture.
_ROW_BYTES = 1024


class Kind(StrEnum):
    """What was read."""

    DIGIT = "digit"
    FIELD = "field"


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was read of an image of a request.

    Attributes:
        index: the image's index in the request, from 0.
        id: the client's id of the image.
        reading: the answer.
    """

    index: int
    id: str | int | None
    reading: Reading | FieldReading


@dataclass(frozen=True)
class Record:
    """The predictions of a request, or of a part of it.

    Attributes:
        request_id: id of the request.
        caller: name of its API key, if any.
        predictions: of its images.
        time: seconds since 1970.
    """

    request_id: str
    caller: str | None
    predictions: Sequence[Prediction]
    time: float = field(default_factory=time.time)

    @property
    def size(self) -> int:
        """Approximate bytes of memory until it is written."""
        return sum(
            _ROW_BYTES + (0 if each.reading.shown is None else each.reading.shown.nbytes)
            for each in self.predictions
        )

    def rows(self, *, images: bool) -> Iterator[Mapping[str, object]]:
        """Yield a database row for each prediction, with the model's input if `images`."""
        for prediction in self.predictions:
            reading, item_id = prediction.reading, prediction.id
            answer, card, shown = reading.answer, reading.card, reading.shown
            kind = Kind.FIELD if isinstance(reading, FieldReading) else Kind.DIGIT
            yield {
                "request_id": self.request_id,
                "place": prediction.index,
                "item_id": None if item_id is None else stored_id(item_id),
                "caller": self.caller,
                "time": self.time,
                "kind": kind.value,
                "model": card.name,
                "version": card.version,
                "read": answer.text,
                "confidence": float(answer.confidence),
                "decision": answer.decision.value,
                "reasons": ",".join(answer.reasons),
                "image": shown.tobytes() if images and shown is not None else None,
            }


@dataclass(frozen=True)
class PredictionQuery:
    """Refers to a recorded prediction.

    Attributes:
        request_id: id of its request.
        index: index of its image in a batch.
        item_id: the client's id of its image.
        caller: name of its API key; None for a service without keys.
        any_caller: whether to search the predictions of all callers if `caller` is None.
    """

    request_id: str
    index: int | None = None
    item_id: str | int | None = None
    caller: str | None = None
    any_caller: bool = False


def stored_id(item_id: str | int) -> str:
    """Return an item's id as it is stored: text of bounded length that any database accepts."""
    text = str(item_id)[:_MAX_ID_LENGTH]
    return text.encode("utf-8", "replace").decode().replace("\0", "?")
