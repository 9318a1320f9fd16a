"""The pictures in a request's body, whichever way they were sent."""

import asyncio
import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, TypeVar

from fastapi import Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, ValidationError

from service.api import multipart
from service.api.errors import BatchTooLarge, InvalidRequest, MalformedBody, UnsupportedMediaType
from service.api.negotiation import media_type
from service.api.schemas import Fault, ItemId
from service.imaging import UnreadableImage

JSON = "application/json"
OCTET_STREAM = "application/octet-stream"
IMAGE_TYPES = ("image/png", "image/jpeg", "image/bmp", "image/gif", "image/webp", "image/tiff")

# A larger body is taken apart in a thread, so that others do not wait for it.
_QUICK_BYTES = 64 * 1024

# Enough to tell a caller what is in a form that should hold one file.
_PARTS_OF_SINGLE = 16


_Unpacked = TypeVar("_Unpacked")


@dataclass(frozen=True, slots=True)
class Item:
    """One image of a batch, as far as it could be unpacked."""

    id: ItemId | None
    content: bytes | UnreadableImage


class EncodedImage(BaseModel):
    """An image with an id, which comes back with its answer."""

    model_config = ConfigDict(extra="forbid")

    id: Annotated[str, Field(max_length=256)] | StrictInt | None = None
    image: str = Field(description="An image file in Base64.")


def _with_fields(image: object) -> object:
    return {"image": image} if isinstance(image, str) else image


class BatchRequest(BaseModel):
    """Several images at once, each as Base64 or as an object that gives it an id."""

    model_config = ConfigDict(extra="forbid")

    images: list[
        Annotated[
            EncodedImage, BeforeValidator(_with_fields, json_schema_input_type=str | EncodedImage)
        ]
    ] = Field(min_length=1)


async def read_picture(request: Request) -> bytes:
    """The one picture of a request, raw or as the form field `file`.

    Raises:
        UnsupportedMediaType, MalformedBody, InvalidRequest, BodyTooLarge: it brings something else.
    """
    kind = media_type(request)
    if kind == multipart.MEDIA_TYPE:
        parts = await _parts(request, "file", _PARTS_OF_SINGLE)
        if len(parts) > 1:
            fault = Fault(
                where="file",
                what=f"{len(parts)} files were sent; POST /predict/batch reads several",
            )
            raise InvalidRequest([fault])
        return parts[0].content
    if kind.startswith("image/") or kind in (OCTET_STREAM, ""):
        return await request.body()
    raise UnsupportedMediaType(
        f"the Content-Type is {kind[:100]}; send an image as image/png, image/jpeg, ..., as"
        f" {OCTET_STREAM}, or as the field `file` of {multipart.MEDIA_TYPE}"
    )


async def read_batch(request: Request, *, max_batch: int) -> list[Item]:
    """The pictures of a batch request: form fields `files`, or JSON.

    Raises:
        BatchTooLarge: there are more than `max_batch`.
        UnsupportedMediaType, MalformedBody, InvalidRequest, BodyTooLarge: it brings something else.
    """
    kind = media_type(request)
    if kind == multipart.MEDIA_TYPE:
        parts = await _parts(request, "files", max_batch)
        return [Item(part.filename or None, part.content) for part in parts]
    if kind == JSON:
        return await _unpacked(request, partial(_items, max_batch=max_batch))
    raise UnsupportedMediaType(
        f"the Content-Type is {kind[:100] or 'missing'}; send {JSON}, or fields `files` of"
        f" {multipart.MEDIA_TYPE}"
    )


async def _parts(request: Request, field: str, max_parts: int) -> Sequence[multipart.Part]:
    content_type = request.headers["content-type"]
    parse = partial(multipart.parse_form, content_type=content_type, max_parts=max_parts)
    parts = await _unpacked(request, parse)
    strangers = {part.name for part in parts} - {field}
    if strangers:
        what = f"is not known; send images as {field!r}, wishes as query parameters"
        raise InvalidRequest([Fault(where=name[:100], what=what) for name in sorted(strangers)])
    if not parts:
        raise InvalidRequest([Fault(where=field, what="the form holds no file")])
    return parts


async def _unpacked(
    request: Request, unpack: Callable[[bytes], list[_Unpacked]]
) -> list[_Unpacked]:
    body = await request.body()
    return unpack(body) if len(body) <= _QUICK_BYTES else await asyncio.to_thread(unpack, body)


def _items(body: bytes, max_batch: int) -> list[Item]:
    try:
        images = BatchRequest.model_validate_json(body).images
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        if faults[0]["type"] == "json_invalid":
            raise MalformedBody(f"the body is not JSON: {faults[0]['msg']}") from error
        raise InvalidRequest.from_pydantic(faults) from error
    if len(images) > max_batch:
        raise BatchTooLarge(
            f"the batch holds {len(images)} images, the limit is {max_batch}; send it in parts"
        )
    return [Item(image.id, _decoded(image.image)) for image in images]


def _decoded(text: str) -> bytes | UnreadableImage:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return UnreadableImage("the image is not valid Base64")
