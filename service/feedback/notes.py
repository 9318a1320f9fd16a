"""What is noted of an answer as it leaves, and the rows that become of it later."""

import time
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from service.inference.digits import Reading
from service.inference.fields import FieldReading

_LONGEST_ID = 256

# Of a row, but for its picture: what it takes in memory until it is written.
_ROW_BYTES = 1024


class Kind(StrEnum):
    """What was read."""

    DIGIT = "digit"
    FIELD = "field"


class Place(NamedTuple):
    """Which image of a request it is, from 0, and the id that came with it."""

    number: int
    id: str | int | None = None


class Note(NamedTuple):
    """What was read for one request, or for a part of it.

    Attributes:
        request_id: the request's.
        caller: name of the key that it came with, if any.
        time: when, in seconds since 1970.
        places: of each reading.
        readings: in the same order.
    """

    request_id: str
    caller: str | None
    time: float
    places: Sequence[Place]
    readings: Sequence[Reading | FieldReading]

    @property
    def size(self) -> int:
        """Bytes of memory, about: pictures are held until it is written."""
        return sum(
            _ROW_BYTES + (0 if reading.shown is None else reading.shown.nbytes)
            for reading in self.readings
        )


_ALONE = (Place(0),)


def note_of_one(request_id: str, caller: str | None, reading: Reading | FieldReading) -> Note:
    """The note of a request with a single image."""
    return Note(request_id, caller, time.time(), _ALONE, (reading,))


def rows_of(note: Note, *, images: bool) -> Iterator[Mapping[str, object]]:
    """A row for each reading of `note`, with what the model was shown if `images` are kept."""
    for place, reading in zip(note.places, note.readings, strict=True):
        answer, card, shown = reading.answer, reading.card, reading.shown
        if isinstance(reading, FieldReading):
            kind, read = Kind.FIELD, reading.answer.text
        else:
            digit = reading.answer.digit
            kind, read = Kind.DIGIT, None if digit is None else str(digit)
        yield {
            "request_id": note.request_id,
            "place": place.number,
            "item_id": None if place.id is None else key_of(place.id),
            "caller": note.caller,
            "time": note.time,
            "kind": kind.value,
            "model": card.name,
            "version": card.version,
            "read": read,
            "confidence": float(answer.confidence),
            "decision": answer.decision.value,
            "reasons": ",".join(answer.reasons),
            "image": shown.tobytes() if images and shown is not None else None,
        }


def key_of(item_id: str | int) -> str:
    """An item's id as it is kept: as text, of bounded length, that any database takes."""
    text = str(item_id)[:_LONGEST_ID]
    return text.encode("utf-8", "replace").decode().replace("\0", "?")
