"""The pictures in a request's body, whichever way they were sent."""

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import Message

from service.api import multipart
from service.api.errors import BatchTooLarge, InvalidRequest, UnsupportedMediaType
from service.api.headers import header
from service.api.item import Item
from service.api.json_batch import parse_batch
from service.api.ndjson import parse_lines
from service.api.negotiation import JSON, NDJSON, NPY, media_type
from service.api.npy import parse_npy
from service.api.schemas import Fault
from service.api.unpacking import unpacked

OCTET_STREAM = "application/octet-stream"
IMAGE_TYPES = ("image/png", "image/jpeg", "image/bmp", "image/gif", "image/webp", "image/tiff")

_Unpacked = TypeVar("_Unpacked")


async def read_picture(request: Request, *, batch_path: str) -> bytes:
    """The one picture of a request, raw or as the form field `file`.

    Whoever sends several is told of `batch_path`.

    Raises:
        UnsupportedMediaType, MalformedBody, InvalidRequest, BodyTooLarge: it brings something else.
    """
    kind = _media_type(request)
    if kind == multipart.MEDIA_TYPE:
        try:
            [part] = await _parts(request, "file", max_parts=1)
        except BatchTooLarge as error:
            what = (
                "holds more than the one file; wishes are query parameters, and POST"
                f" {batch_path} reads several files"
            )
            raise InvalidRequest([Fault(where="form", what=what)]) from error
        return part.content
    if kind.startswith("image/") or kind in (OCTET_STREAM, ""):
        return await body_of(request)
    raise UnsupportedMediaType(
        f"the Content-Type is {kind[:100]}; send an image as image/png, image/jpeg, ..., as"
        f" {OCTET_STREAM}, or as the field `file` of {multipart.MEDIA_TYPE}"
    )


async def read_batch(
    request: Request, *, max_batch: int, max_pixels: int, arrays: bool
) -> list[Item]:
    """The pictures of a batch request: form fields `files`, JSON, lines of it, or an array.

    An array holds pictures of one size; `arrays` says whether one may be sent.

    Raises:
        BatchTooLarge: there are more than `max_batch`.
        PictureTooLarge: those of an array have more than `max_pixels`.
        UnsupportedMediaType, MalformedBody, InvalidRequest, BodyTooLarge: it brings something else.
    """
    kind = _media_type(request)
    if kind == multipart.MEDIA_TYPE:
        parts = await _parts(request, "files", max_parts=max_batch)
        return [Item(part.filename or None, part.content) for part in parts]
    if kind == JSON:
        return await _unpacked(request, partial(parse_batch, max_batch=max_batch))
    if kind == NDJSON:
        return await _unpacked(request, partial(parse_lines, max_batch=max_batch))
    if kind == NPY and arrays:
        parse = partial(parse_npy, max_batch=max_batch, max_pixels=max_pixels)
        return await _unpacked(request, parse)
    raise UnsupportedMediaType(
        f"the Content-Type is {kind[:100] or 'missing'}; send {JSON}, {NDJSON},"
        f" {f'{NPY}, ' if arrays else ''}or fields `files` of {multipart.MEDIA_TYPE}"
    )


async def body_of(request: Request) -> bytes:
    """The whole body; most come in one piece.

    Raises:
        ClientDisconnect: the caller has gone.
    """
    message = await _next_part(request)
    if not message.get("more_body", False):
        return message.get("body", b"")  # type: ignore[no-any-return]
    parts = [message.get("body", b"")]
    while message.get("more_body", False):
        message = await _next_part(request)
        parts.append(message.get("body", b""))
    return b"".join(parts)


def require_uncompressed(request: Request) -> None:
    """Make sure that the body is sent as it is.

    Raises:
        UnsupportedMediaType: the Content-Encoding says that it is compressed.
    """
    encoding = header(request.scope, b"content-encoding").strip().lower()
    if encoding not in ("identity", ""):
        raise UnsupportedMediaType(
            f"the Content-Encoding is {encoding[:100]}; send the body uncompressed"
        )


async def _next_part(request: Request) -> Message:
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message


def _media_type(request: Request) -> str:
    require_uncompressed(request)
    return media_type(request.scope)


async def _parts(request: Request, field: str, *, max_parts: int) -> list[multipart.Part]:
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
    body = await body_of(request)
    return await unpacked(partial(unpack, body), len(body))
