"""Batch formats to items: JSON, NDJSON and .npy, each bounded before anything is built."""

import binascii
import math
from codecs import BOM_UTF8
from io import BytesIO
from typing import Annotated, NamedTuple

import numpy as np
from numpy.lib import format as npy
from pydantic import BaseModel, ConfigDict, Field, SkipValidation, ValidationError
from pydantic_core import from_json

from service.api.schemas import MAX_ID_LENGTH, ItemId
from service.errors import BatchTooLarge, InvalidItem, InvalidRequest, LineTooLong, MalformedBody
from service.imaging import PictureTooLarge
from service.inference.digits import Content
from service.validation import Fault, faults_of

_ID_RANGE = range(-(2**63), 2**64)  # what orjson can write into the answer

# Every JSON value but the first follows one of these. An item has at most three values, and its id
# may consist of these characters.
_BEFORE_A_VALUE = (b",", b"[", b"{")
_MAX_VALUES_PER_ITEM = 3 + MAX_ID_LENGTH

# What a `data:` URL in Base64 has to escape.
_ESCAPES = {"%2B": "+", "%2F": "/", "%3D": "=", "%2C": ",", "%3A": ":", "%3B": ";", "%20": " "}

_NPY_WANTED = "send uint8 [N, height, width], N grey pictures, as numpy.save writes them"
_NPY_HINTS = {
    "b": "; convert it by (255 * array).astype('uint8')",
    "f": "; if its values run from 0 to 1, convert it by (255 * array).round().astype('uint8')",
}
_NPY_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_MAX_NPY_HEADER = 1024  # numpy.save writes 128 bytes

Base64 = Annotated[
    str,
    Field(
        description="An image file in Base64 (RFC 4648, section 4), or as a `data:` URL;"
        " line breaks are skipped.",
        json_schema_extra={"contentEncoding": "base64"},
    ),
]


class PictureRequest(BaseModel):
    """One image."""

    model_config = ConfigDict(extra="forbid", strict=True)

    image: Base64


class EncodedImage(BaseModel):
    """An image with an id, which comes back with its answer."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: (
        Annotated[str, Field(max_length=MAX_ID_LENGTH)]
        | Annotated[int, Field(ge=_ID_RANGE.start, le=_ID_RANGE.stop - 1)]
        | None
    ) = Field(None, union_mode="left_to_right")
    image: Base64


class BatchRequest(BaseModel):
    """Several images, each as Base64 or as an object with an id."""

    model_config = ConfigDict(extra="forbid", strict=True)

    # Each item is validated on its own, so that a bad one does not fail the batch.
    images: list[SkipValidation[Base64 | EncodedImage]] = Field(min_length=1)


# A line of NDJSON, or the error for a longer one.
Line = bytes | LineTooLong


class Item(NamedTuple):
    """An image of a batch, or why it is none, with the id that the client gave it."""

    id: ItemId | None
    content: Content | InvalidItem


def read_json(content: bytes) -> object:
    """Parse JSON; a byte order mark is skipped.

    Raises:
        ValueError: `content` is not JSON.
    """
    return from_json(content.removeprefix(BOM_UTF8), allow_inf_nan=False, cache_strings="keys")


def parse_picture(body: bytes) -> bytes:
    """Parse a `PictureRequest` to its image file.

    Raises:
        MalformedBody: the body is not JSON.
        InvalidRequest, BatchTooLarge: the body is another JSON document.
        InvalidItem: the image is not Base64.
    """
    try:
        document = _read_document(body, 1)
        return decode_base64(PictureRequest.model_validate(document).image)
    except ValidationError as error:
        raise InvalidRequest.from_pydantic(error.errors(include_input=False)) from error


def parse_json(body: bytes, *, max_batch: int) -> list[Item]:
    """Parse a `BatchRequest`; an invalid item holds its error.

    Raises:
        MalformedBody: the body is not JSON.
        InvalidRequest: the body is another JSON document.
        BatchTooLarge: there are more than `max_batch` items.
    """
    try:
        images = BatchRequest.model_validate(_read_document(body, max_batch)).images
    except ValidationError as error:
        raise InvalidRequest.from_pydantic(error.errors(include_input=False)) from error
    if len(images) > max_batch:
        raise BatchTooLarge(
            f"the batch holds {len(images)} images, the limit is {max_batch}; send smaller batches"
        )
    return [_item(value) for value in images]


def parse_lines(body: bytes, *, max_batch: int) -> list[Item]:
    """Parse NDJSON, one item to a line; blank lines are skipped.

    Raises:
        BatchTooLarge: there are more than `max_batch` items.
    """
    items: list[Item] = []
    for line in filter(bytes.strip, BytesIO(body)):
        if len(items) == max_batch:
            raise BatchTooLarge(
                f"the batch holds more than {max_batch} images; send smaller batches, or send"
                " Accept: application/x-ndjson, which allows any number"
            )
        items.append(parse_line(line))
    return items


def parse_line(line: Line) -> Item:
    """Parse a line of NDJSON: an `EncodedImage`, or Base64 alone."""
    if isinstance(line, LineTooLong):
        return Item(None, line)
    if _count_values(line) > _MAX_VALUES_PER_ITEM:
        return Item(None, InvalidItem("the line holds more values than an item can have"))
    try:
        value = read_json(line)
    except ValueError as error:
        return Item(None, InvalidItem(f"the line is not JSON: {error}"))
    return _item(value)


class LineSplitter:
    r"""Splits a body into lines as it arrives; blank lines are skipped.

        splitter = LineSplitter(max_bytes=16)
        splitter.feed(b'"eA=="\n"eQ=') + splitter.feed(b'="') + splitter.end()

    A line of more than `max_bytes` is dropped and becomes an error.
    """

    def __init__(self, *, max_bytes: int) -> None:
        self.unfinished = 0  # bytes of the last line so far
        self._max_bytes = max_bytes
        self._pieces: list[bytes] = []
        self._too_long = False

    def feed(self, chunk: bytes) -> list[Line]:
        """Return the lines that end in `chunk`."""
        *ends, rest = chunk.split(b"\n")
        lines: list[Line] = []
        for piece in ends:
            self._add(piece)
            lines += self.end()
        self._add(rest)
        return lines

    def end(self) -> list[Line]:
        """Return the last line, if it is not blank; it needs no line break."""
        line, too_long = b"".join(self._pieces), self._too_long
        self._pieces, self.unfinished, self._too_long = [], 0, False
        if too_long:
            what = f"the line has more than {self._max_bytes} bytes; send a smaller picture"
            return [LineTooLong(what)]
        return [line] if line and not line.isspace() else []

    def _add(self, piece: bytes) -> None:
        if self._too_long or not piece:
            return
        if self.unfinished + len(piece) > self._max_bytes:
            self._pieces, self.unfinished, self._too_long = [], 0, True
            return
        self._pieces.append(piece)
        self.unfinished += len(piece)


def is_data_url(text: str) -> bool:
    """Return whether `text` begins as a `data:` URL does, which may be percent-encoded."""
    return text[:7].lower().startswith(("data:", "data%3a"))


def decode_base64(text: str) -> bytes:
    """Decode an image file, in Base64 or as a `data:` URL (RFC 2397).

    Raises:
        InvalidItem: `text` is neither, or in the URL-safe alphabet.
    """
    if is_data_url(text):
        # `encodeURIComponent` may have encoded the URL as a whole. `unquote` takes seconds for
        # millions of escapes.
        for escape, sign in _ESCAPES.items() if "%" in text else ():
            text = text.replace(escape, sign).replace(escape.lower(), sign)
        head, comma, text = text.partition(",")
        if not comma:
            raise InvalidItem("the image is a `data:` URL without a comma before its data")
        # An empty canvas has the URL "data:,".
        if text and not head.replace(" ", "").lower().endswith(";base64"):
            raise InvalidItem("the image is a `data:` URL without `;base64`; encode it in Base64")
    try:
        try:
            return binascii.a2b_base64(text, strict_mode=True)
        except ValueError:
            # Line breaks are rare, so they are removed only now.
            return binascii.a2b_base64("".join(text.split()), strict_mode=True)
    except ValueError as error:
        if "-" in text or "_" in text:
            raise InvalidItem(
                "the image is in the URL-safe Base64 alphabet; use `+` and `/` instead of `-` and"
                " `_`"
            ) from error
        raise InvalidItem("the image is not valid Base64") from error


def parse_npy(body: bytes, *, max_batch: int, max_pixels: int) -> list[Item]:
    """Parse a .npy file with uint8 [N, height, width], N from 1 to `max_batch`.

    Nothing is unpickled, and nothing is allocated on the word of the header.

    Raises:
        MalformedBody: the body is not a .npy file, or its length differs from its header.
        InvalidRequest: the array has another type or shape.
        BatchTooLarge: there are more than `max_batch` pictures.
        PictureTooLarge: each has more than `max_pixels`.
    """
    file = BytesIO(body)
    try:
        shape, fortran_order, dtype = _NPY_HEADERS[npy.read_magic(file)](
            file, max_header_size=_MAX_NPY_HEADER
        )
        if any(type(size) is not int for size in shape):  # NumPy lets True pass
            raise TypeError
    except Exception as error:
        # The header is a Python literal: its parser raises nearly anything on a damaged one.
        raise MalformedBody(f"the body has no readable .npy header; {_NPY_WANTED}") from error
    if dtype != np.uint8:
        hint = _NPY_HINTS.get(dtype.kind, "")
        what = f"the array has the type {str(dtype)[:50]}: {_NPY_WANTED}{hint}"
        raise InvalidRequest.of("body", what)
    if len(shape) != 3 or min(shape) <= 0:
        hint = "; a single picture has N = 1" if len(shape) == 2 else ""
        what = f"the array has the shape {list(shape)!s:.100}: {_NPY_WANTED}{hint}"
        raise InvalidRequest.of("body", what)
    images, height, width = shape
    if images > max_batch:
        raise BatchTooLarge(
            f"the array holds {images} images, the limit is {max_batch}; send smaller batches"
        )
    if height * width > max_pixels:
        raise PictureTooLarge(
            f"each picture has {width} x {height} pixels, the limit is {max_pixels}; send smaller"
            " ones"
        )
    start, announced = file.tell(), math.prod(shape)
    if len(body) - start != announced:
        raise MalformedBody(
            f"the .npy header announces {announced} bytes of pixels, {len(body) - start} follow it"
        )
    pixels = np.frombuffer(body, np.uint8, offset=start)
    pictures = np.ascontiguousarray(pixels.reshape(shape, order="F" if fortran_order else "C"))
    return [Item(None, picture) for picture in pictures]


def _read_document(body: bytes, max_batch: int) -> object:
    # A body of 16 MiB can hold five million empty objects of 64 bytes and more each.
    if _count_values(body) > (max_batch + 1) * _MAX_VALUES_PER_ITEM:
        raise BatchTooLarge(
            f"the body holds more than a batch of {max_batch} images can; send smaller batches"
        )
    try:
        return read_json(body)
    except ValueError as error:
        raise MalformedBody(f"the body is not JSON: {error}") from error


def _count_values(content: bytes) -> int:
    """An upper bound of the JSON values in `content`, but for the first."""
    return sum(map(content.count, _BEFORE_A_VALUE))


def _item(value: object) -> Item:
    item_id = None
    try:
        if isinstance(value, str):
            return Item(None, decode_base64(value))
        if isinstance(value, dict):
            item_id = value.get("id")
        item = EncodedImage.model_validate(value)
        return Item(item.id, decode_base64(item.image))
    except InvalidItem as error:
        return Item(item_id, error)
    except ValidationError as error:
        faults = faults_of(error.errors(include_input=False))
        if any(fault.where.startswith("id.") for fault in faults):
            what = f"must be a 64-bit integer or a string of up to {MAX_ID_LENGTH} characters"
            item_id, faults = None, [Fault(where="id", what=what)]
        return Item(item_id, InvalidItem(str(InvalidRequest(faults))))
