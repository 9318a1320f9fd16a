"""Readings to the JSON of the schemas, without the cost of building models."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from models.fields.formats import Amount, Value
from service.api.formats import Item
from service.api.problems import problem_of
from service.errors import InvalidItem
from service.forms.reading import FieldResult, FormReading
from service.imaging import UnreadableImage
from service.inference.digits import Reading
from service.inference.fields import FieldReading

# What came of an item of a batch.
Result = Reading | FieldReading | UnreadableImage | InvalidItem

# A longer answer takes milliseconds to write; it is written in a thread.
_MAX_INLINE_ITEMS = 256

_JSON_HEADER = (b"content-type", b"application/json")


class JsonResponse(Response):
    """A response whose body is JSON already; its headers are made without Starlette's cost."""

    def __init__(self, body: bytes) -> None:
        self.status_code = 200
        self.background = None
        self.body = body
        self.raw_headers = [_JSON_HEADER, (b"content-length", b"%d" % len(body))]


def to_json(answer: Mapping[str, Any]) -> bytes:
    """Write `answer` as JSON, its arrays without a copy."""
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)


def prediction(reading: Reading, **place: object) -> dict[str, Any]:
    """Return a `ReadDigit` with the fields of its `place`: in a batch, or its request."""
    answer, card = reading.answer, reading.card
    blank = answer.digit is None
    return {
        **place,
        "model": card.name,
        "version": card.version,
        "digit": answer.digit,
        # As float32, which has fewer decimals to write.
        "confidence": 0.0 if blank else answer.probabilities[answer.digit],
        "decision": answer.decision,
        "reasons": answer.reasons,
        "probabilities": answer.probabilities,
    }


def field(reading: FieldReading, **place: object) -> dict[str, Any]:
    """Return a `FieldReading` with the fields of its `place`: in a batch, or its request."""
    answer, card = reading.answer, reading.card
    name = answer.format if answer.format in ("amount", "date") else None
    return {
        **place,
        "model": card.name,
        "version": card.version,
        "text": answer.text,
        "raw": answer.raw,
        "confidence": _rounded(answer.confidence),
        "decision": answer.decision,
        "reasons": answer.reasons,
        **({name: _value(answer.value)} if name else {}),
        **({} if answer.match is None else {"match": answer.match}),
        "digits": [
            {"digit": each.digit, "confidence": _rounded(each.confidence), "box": each.box}
            for each in answer.digits
        ],
        "alternatives": [
            {"text": each.text, "confidence": _rounded(each.confidence)}
            | ({name: _value(each.value)} if name and each.value else {})
            for each in answer.alternatives
        ],
    }


def form(reading: FormReading, **place: object) -> dict[str, Any]:
    """Return a `FormAnswer` with the fields of its `place`."""
    found, unknown = reading.page.found, [None] * len(reading.form.checks)
    return {
        **place,
        "form": reading.form.name,
        "version": reading.form.version,
        "page": {
            "found_by": reading.form.found_by,
            "residual_px": None
            if found is None or found.residual_px is None
            else round(found.residual_px, 2),
            "corners": None if found is None else found.corners.round(1),
        },
        "fields": {name: _form_field(each) for name, each in reading.fields.items()},
        "checks": [
            {**check.model_dump(exclude_none=True), "holds": holds}
            for check, holds in zip(reading.form.checks, reading.checks or unknown, strict=True)
        ],
        "decision": reading.decision,
        "reasons": reading.reasons,
        "error_bound": _rounded(reading.error_bound),
    }


def _form_field(result: FieldResult) -> dict[str, Any]:
    if isinstance(result, Reading):
        return prediction(result)
    if isinstance(result, FieldReading):
        return field(result)
    return {
        "kind": "mark",
        "marked": result.marked,
        "share": round(result.share, 4),
        "decision": result.decision,
        "reasons": result.reasons,
    }


def _value(value: Value | None) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, Amount):
        return {"value": str(value), "units": value.units, "cents": value.cents}
    return value


async def batch_json(
    items: Sequence[Item], results: Sequence[Result], request_id: str, *, name: str
) -> bytes:
    """Write the answer to a batch as JSON: a list called `name`."""

    def write() -> bytes:
        return to_json(
            {"request_id": request_id, name: list(_answers(items, results, request_id, 0))}
        )

    return write() if len(items) <= _MAX_INLINE_ITEMS else await asyncio.to_thread(write)


def batch_lines(
    items: Sequence[Item], results: Sequence[Result], request_id: str, *, first: int
) -> bytes:
    """Write the answers to `items` as NDJSON; the first has the index `first`."""
    return b"".join(map(_line, _answers(items, results, request_id, first)))


def error_line(error: Exception, request_id: str) -> bytes:
    """Write the last line of an NDJSON answer that ends with `error`, a `BatchEnd`."""
    return _line(_failure(error, request_id))


def _answers(
    items: Sequence[Item], results: Sequence[Result], request_id: str, first: int
) -> Iterator[dict[str, Any]]:
    for index, (item, result) in enumerate(zip(items, results, strict=True), first):
        place = {"index": index} if item.id is None else {"index": index, "id": item.id}
        if isinstance(result, Reading):
            yield prediction(result, **place)
        elif isinstance(result, FieldReading):
            yield field(result, **place)
        else:
            yield {**place, **_failure(result, request_id)}


def _failure(error: Exception, request_id: str) -> dict[str, Any]:
    return {"error": problem_of(error, request_id).model_dump(mode="json")}


def _line(answer: dict[str, Any]) -> bytes:
    return to_json(answer) + b"\n"


def _rounded(probability: float) -> float:
    return round(probability, 7)
