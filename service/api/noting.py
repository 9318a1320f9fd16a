"""What is read goes into the ledger, where there is one, with whose request it was."""

import time
from collections.abc import Sequence

from fastapi import Request

from service.api.batch_answer import AnyOutcome
from service.api.formats import Item
from service.api.state import caller_of, ledger_of, request_id_of
from service.errors import InvalidItem
from service.feedback.notes import Note, Place, note_of_one
from service.inference.digits import Reading
from service.inference.fields import FieldReading


def note_one(request: Request, reading: Reading | FieldReading) -> None:
    """Note what was read of a request's only image."""
    ledger = ledger_of(request)
    if ledger is not None:
        ledger.note(note_of_one(request_id_of(request), _caller_name(request), reading))


def note_all(request: Request, readings: Sequence[Reading]) -> None:
    """Note what was read of every image of a request, in order."""
    ledger = ledger_of(request)
    if ledger is not None and readings:
        places = list(map(Place, range(len(readings))))
        ledger.note(_note(request, places, readings))


def note_items(
    request: Request, items: Sequence[Item], outcomes: Sequence[AnyOutcome], *, first: int = 0
) -> None:
    """Note what was read of `items`, the first of which has the index `first`.

    There is an outcome for each that is an image.
    """
    ledger = ledger_of(request)
    if ledger is None:
        return
    remaining = iter(outcomes)
    places: list[Place] = []
    readings: list[Reading | FieldReading] = []
    for index, item in enumerate(items, first):
        if isinstance(item.content, InvalidItem):
            continue
        outcome = next(remaining)
        if isinstance(outcome, Reading | FieldReading):
            places.append(Place(index, item.id))
            readings.append(outcome)
    if readings:
        ledger.note(_note(request, places, readings))


def _note(
    request: Request, places: Sequence[Place], readings: Sequence[Reading | FieldReading]
) -> Note:
    return Note(request_id_of(request), _caller_name(request), time.time(), places, readings)


def _caller_name(request: Request) -> str | None:
    caller = caller_of(request)
    return None if caller is None else caller.name
