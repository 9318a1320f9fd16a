"""A batch in JSON to its items: bounded before it is built, each item for itself."""

import binascii
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from service.api.errors import BatchTooLarge, InvalidItem, InvalidRequest, MalformedBody
from service.api.item import Item
from service.api.json_text import read_json
from service.api.schemas import Fault, ItemId

_MAX_ID_LENGTH = 256
# Larger ones cannot be written into the answer.
_LEAST_ID, _GREATEST_ID = -(2**63), 2**64 - 1

# Every value in JSON but the first follows one of these. An item in its largest form has three,
# and its id may be made of them.
_BEFORE_A_VALUE = (b",", b"[", b"{")
_MOST_PER_ITEM = 3 + _MAX_ID_LENGTH

Base64 = Annotated[
    str,
    Field(
        description="An image file in Base64 (RFC 4648, section 4); line breaks are skipped.",
        json_schema_extra={"contentEncoding": "base64"},
    ),
]


class EncodedImage(BaseModel):
    """An image with an id, which comes back with its answer."""

    model_config = ConfigDict(extra="forbid")

    id: (
        Annotated[str, Field(max_length=_MAX_ID_LENGTH)]
        | Annotated[int, Field(ge=_LEAST_ID, le=_GREATEST_ID)]
        | None
    ) = None
    image: Base64


# The document says what may be sent with this model; it is read by hand, for a bad item must not
# cost its neighbours their answers.
class BatchRequest(BaseModel):
    """Several images at once, each as Base64 or as an object that gives it an id."""

    model_config = ConfigDict(extra="forbid")

    images: list[Base64 | EncodedImage] = Field(min_length=1)


def parse_line(line: bytes) -> Item:
    """The item of a `line` of NDJSON: an `EncodedImage`, or Base64 alone."""
    if sum(map(line.count, _BEFORE_A_VALUE)) > _MOST_PER_ITEM:
        return Item(None, InvalidItem("the line holds more than an item can"))
    try:
        value = read_json(line)
    except ValueError as error:
        return Item(None, InvalidItem(f"the line is not JSON: {error}"))
    return _item(value)


def parse_batch(body: bytes, *, max_batch: int) -> list[Item]:
    """The items of `body`, a `BatchRequest`; one that is not as it should be holds its error.

    Raises:
        MalformedBody: the body is not JSON.
        InvalidRequest: the body is another JSON document.
        BatchTooLarge: there are more than `max_batch`.
    """
    # A body of 16 MiB can hold five million empty objects, of 64 bytes each and more.
    if sum(map(body.count, _BEFORE_A_VALUE)) > (max_batch + 1) * _MOST_PER_ITEM:
        raise BatchTooLarge(
            f"the body holds more than a batch of {max_batch} images can; send it in parts"
        )
    try:
        document = read_json(body)
    except ValueError as error:
        raise MalformedBody(f"the body is not JSON: {error}") from error
    images = _images(document)
    if len(images) > max_batch:
        raise BatchTooLarge(
            f"the batch holds {len(images)} images, the limit is {max_batch}; send it in parts"
        )
    return [_item(value) for value in images]


def _images(document: object) -> list[object]:
    if not isinstance(document, dict):
        raise InvalidRequest([Fault(where="body", what='must be an object: {"images": [...]}')])
    if strangers := document.keys() - {"images"}:
        what = "is not known; send images as `images`, wishes as query parameters"
        raise InvalidRequest([Fault(where=name[:100], what=what) for name in sorted(strangers)])
    images = document.get("images")
    if not isinstance(images, list) or not images:
        raise InvalidRequest([Fault(where="images", what="must be a list of at least one image")])
    return images


def _item(value: object) -> Item:
    if isinstance(value, str):
        return _item_of(None, value)
    if not isinstance(value, dict):
        return Item(None, InvalidItem("the item is neither Base64 nor an object with `image`"))
    item_id = value.get("id")
    if not _is_id(item_id):
        what = (
            "`id` must be a whole number of up to 64 bits or a text of up to"
            f" {_MAX_ID_LENGTH} characters"
        )
        return Item(None, InvalidItem(what))
    try:
        return _item_of(item_id, _text(value))
    except InvalidItem as error:
        return Item(item_id, error)


def _item_of(item_id: ItemId | None, text: str) -> Item:
    try:
        return Item(item_id, from_base64(text))
    except InvalidItem as error:
        return Item(item_id, error)


def _is_id(value: object) -> bool:
    if isinstance(value, str):
        return len(value) <= _MAX_ID_LENGTH
    if isinstance(value, bool):
        return False
    return value is None or (isinstance(value, int) and _LEAST_ID <= value <= _GREATEST_ID)


def _text(fields: dict[str, object]) -> str:
    if strangers := fields.keys() - {"id", "image"}:
        name = min(strangers)[:100]
        raise InvalidItem(f"`{name}` is not known; an item has `image` and, if you like, `id`")
    if "image" not in fields:
        raise InvalidItem("`image` is missing")
    image = fields["image"]
    if not isinstance(image, str):
        raise InvalidItem("`image` must be a text: the image file in Base64")
    return image


def from_base64(text: str) -> bytes:
    """The image file that `text` holds.

    Raises:
        InvalidItem: it is not Base64, or another alphabet's.
    """
    if text.startswith("data:"):
        raise InvalidItem("the image is a `data:` URL; send only what follows `base64,`")
    try:
        return _decoded(text)
    except ValueError as error:
        if "-" in text or "_" in text:
            raise InvalidItem(
                "the image is in the URL-safe Base64 alphabet; send `+` and `/` in place of `-`"
                " and `_`"
            ) from error
        raise InvalidItem("the image is not valid Base64") from error


def _decoded(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        # Rarely there are line breaks, so that they are looked for only now.
        return binascii.a2b_base64("".join(text.split()), strict_mode=True)
