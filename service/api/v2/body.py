"""The body of a request to its JSON and to the binary data that follows it."""

from dataclasses import dataclass
from typing import Any

from service.api.formats import read_json
from service.errors import BatchTooLarge, InvalidRequest, MalformedBody

HEADER_LENGTH = "Inference-Header-Content-Length"

# Longer numbers of bytes than any body has.
_MOST_DIGITS = 15

# What a request holds besides the values of its tensor: its names, shapes and parameters.
_MOST_OTHER_VALUES = 1000


@dataclass(frozen=True)
class Body:
    """A request as it was sent.

    Attributes:
        document: its JSON, an object, without the inputs' `data`.
        data: that of each input in turn; None where it has none.
        binary: what follows the JSON.
    """

    document: dict[str, Any]
    data: list[object]
    binary: memoryview


def take_apart(body: bytes, header_length: str | None, *, most_values: int) -> Body:
    """Split `body` where the header `Inference-Header-Content-Length` says.

    Args:
        body: JSON, with binary data after it if there is a `header_length`.
        header_length: the number of bytes that the JSON has.
        most_values: how many values its tensor may have.

    Raises:
        MalformedBody: the length is none, or the JSON is not JSON.
        InvalidRequest: the JSON is not an object, or an object with too much in it.
        BatchTooLarge: there are more values than a tensor may have.
    """
    length = len(body) if header_length is None else _length(header_length, len(body))
    document = _parsed(body[:length], most_values)
    inputs = document.get("inputs")
    tensors = inputs if isinstance(inputs, list) else []
    data = [tensor.pop("data", None) for tensor in tensors if isinstance(tensor, dict)]
    if _size(document) > _MOST_OTHER_VALUES:
        what = f"has more than {_MOST_OTHER_VALUES} values besides the tensor's data"
        raise InvalidRequest.of("body", what)
    return Body(document, data, memoryview(body)[length:])


def _length(text: str, most: int) -> int:
    is_number = text.isascii() and text.isdecimal() and len(text) <= _MOST_DIGITS
    if not is_number or int(text) > most:
        raise MalformedBody(
            f"{HEADER_LENGTH} is {text[:100]!r}; it must be the number of bytes that the JSON has,"
            f" and the body has {most}"
        )
    return int(text)


def _parsed(content: bytes, most_values: int) -> dict[str, Any]:
    # Objects and lists take twenty times the memory of their text, so that values are counted
    # before they are built: each but the first follows a comma, a bracket or a colon.
    named = content.count(b"{") + content.count(b":")
    values = named + content.count(b"[") + content.count(b",")
    if named > _MOST_OTHER_VALUES or values > most_values + _MOST_OTHER_VALUES:
        raise BatchTooLarge(
            f"the JSON has more values than the {most_values} of the largest tensor; send it in"
            " parts"
        )
    try:
        document = read_json(content)
    except ValueError as error:
        raise MalformedBody(f"the request is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise InvalidRequest.of("body", 'must be an object: {"inputs": [...]}')
    return document


def _size(value: object) -> int:
    if isinstance(value, dict):
        return 1 + sum(map(_size, value.values()))
    if isinstance(value, list):
        return 1 + sum(map(_size, value))
    return 1
