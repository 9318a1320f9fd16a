"""Readings to the JSON that callers are sent, as the schemas describe it, without their cost."""

from collections.abc import Mapping
from typing import Any

import orjson
from starlette.responses import Response

from service.inference.digits import Reading
from service.inference.fields import FieldReading

_CONTENT_TYPE = (b"content-type", b"application/json")


def prediction(reading: Reading, **place: object) -> dict[str, Any]:
    """What is sent of `reading`, a `Prediction`; in a batch with the fields of its `place`."""
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
    """What is sent of `reading`, a `FieldAnswer`; in a batch with the fields of its `place`."""
    answer, card = reading.answer, reading.card
    return {
        **place,
        "model": card.name,
        "version": card.version,
        "text": answer.text,
        "raw": answer.raw,
        "confidence": _short(answer.confidence),
        "decision": answer.decision,
        "reasons": answer.reasons,
        "digits": [
            {"digit": each.digit, "confidence": _short(each.confidence), "box": each.box}
            for each in answer.digits
        ],
        "alternatives": [
            {"text": each.text, "confidence": _short(each.confidence)}
            for each in answer.alternatives
        ],
    }


def _short(probability: float) -> float:
    return round(probability, 7)


class JsonResponse(Response):
    """An answer that is JSON already; its headers cost a fraction of those of any response."""

    def __init__(self, body: bytes) -> None:
        self.status_code = 200
        self.background = None
        self.body = body
        self.raw_headers = [_CONTENT_TYPE, (b"content-length", b"%d" % len(body))]


def to_json(answer: Mapping[str, Any]) -> bytes:
    """`answer` as JSON; its arrays are written as they are."""
    return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY)
