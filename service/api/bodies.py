"""Request bodies to images: raw bytes, a multipart form, or one of the batch formats."""

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar, cast
from urllib.parse import unquote

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from service.api.formats import (
    Item,
    decode_base64,
    is_data_url,
    parse_json,
    parse_lines,
    parse_npy,
    parse_picture,
)
from service.api.negotiation import JSON, NDJSON, NPY, media_type
from service.errors import (
    BatchTooLarge,
    InvalidItem,
    InvalidRequest,
    MalformedBody,
    UnsupportedMediaType,
)
from service.validation import Fault

FORM = "multipart/form-data"
OCTET_STREAM = "application/octet-stream"
PDF = "application/pdf"
_IMAGES = ("png", "jpeg", "bmp", "gif", "webp", "tiff", "heic", "avif")
IMAGE_TYPES = (*(f"image/{name}" for name in _IMAGES), PDF)

# A larger body is parsed in a thread, as it would hold up other requests.
_MAX_INLINE_BYTES = 64 * 1024

# A shorter text in a form is no picture in Base64, but may be the name of one.
_LEAST_BASE64 = 256

_EXTENDED_FILENAME = re.compile(r"filename\*=(utf-8|iso-8859-1)'[^']*'([^\s;]+)", re.IGNORECASE)

_Parsed = TypeVar("_Parsed")


@dataclass(frozen=True, slots=True)
class Part:
    """A field of a form; a file has a `filename`, unless its sender omitted it."""

    name: str
    filename: str | None
    content: bytes


async def read_picture(request: Request, *, batch_path: str | None) -> bytes:
    """Read the one picture of a request: raw, in JSON, or the form field `file`.

    An error for several pictures refers to `batch_path`, if that reads several.

    Raises:
        UnsupportedMediaType, MalformedBody, InvalidRequest, InvalidItem, BodyTooLarge: there is no
            such picture.
    """
    kind = _content_type(request)
    if kind == FORM:
        try:
            [item] = await _read_form(request, "file", max_parts=1)
        except BatchTooLarge as error:
            several = f", and POST {batch_path} reads several files" if batch_path else ""
            what = f"holds more than one file; options are query parameters{several}"
            raise InvalidRequest.of("form", what) from error
        if isinstance(item.content, InvalidItem):
            raise item.content
        return cast(bytes, item.content)
    if kind == JSON:
        body = await request.body()
        return await run_parser(partial(parse_picture, body), len(body))
    if kind.startswith("image/") or kind in (OCTET_STREAM, PDF, ""):
        return await request.body()
    raise UnsupportedMediaType(
        f"the Content-Type is {kind[:100]}; send an image as image/png, image/jpeg, {PDF}, ..., as"
        f" {OCTET_STREAM}, as the field `file` of {FORM}, or as `image` of {JSON}"
    )


async def read_batch(
    request: Request, *, max_batch: int, max_pixels: int, arrays: bool
) -> list[Item]:
    """Read the pictures of a batch: form fields `files`, JSON, NDJSON, or with `arrays` also npy.

    Raises:
        BatchTooLarge: there are more than `max_batch` pictures.
        PictureTooLarge: those of an array have more than `max_pixels`.
        UnsupportedMediaType, MalformedBody, InvalidRequest, BodyTooLarge: it is no such batch.
    """
    kind = _content_type(request)
    if kind == FORM:
        return await _read_form(request, "files", max_parts=max_batch)
    parse: Callable[[bytes], list[Item]]
    if kind == JSON:
        parse = partial(parse_json, max_batch=max_batch)
    elif kind == NDJSON:
        parse = partial(parse_lines, max_batch=max_batch)
    elif kind == NPY and arrays:
        parse = partial(parse_npy, max_batch=max_batch, max_pixels=max_pixels)
    else:
        raise UnsupportedMediaType(
            f"the Content-Type is {kind[:100] or 'missing'}; send {JSON}, {NDJSON},"
            f" {f'{NPY}, ' if arrays else ''}or fields `files` of {FORM}"
        )
    body = await request.body()
    return await run_parser(partial(parse, body), len(body))


async def read_parts(request: Request, required: str, optional: frozenset[str]) -> dict[str, bytes]:
    """Read a form with the field `required` and some of `optional`, each a file or a text.

    Raises:
        UnsupportedMediaType, MalformedBody, InvalidRequest, BatchTooLarge, BodyTooLarge: it is no
            such form.
    """
    if (kind := _content_type(request)) != FORM:
        raise UnsupportedMediaType(f"the Content-Type is {kind[:100] or 'missing'}; send {FORM}")
    body, content_type = await request.body(), request.headers["content-type"]
    parse = partial(parse_form, body, content_type, max_parts=1 + len(optional))
    parts = await run_parser(parse, len(body))
    content = {part.name: part.content for part in parts}
    if len(content) < len(parts) or not {required} <= content.keys() <= {required, *optional}:
        what = f"must have {required}, and may have {', '.join(sorted(optional))}, each once"
        raise InvalidRequest.of("form", what)
    return content


async def run_parser(parse: Callable[[], _Parsed], size: int) -> _Parsed:
    """Run `parse` for a body of `size` bytes: here, or in a thread if that takes long."""
    return parse() if size <= _MAX_INLINE_BYTES else await asyncio.to_thread(parse)


def require_uncompressed(request: Request) -> None:
    """Check that the body has no content coding.

    Raises:
        UnsupportedMediaType: the Content-Encoding says that it is compressed.
    """
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("identity", ""):
        raise UnsupportedMediaType(
            f"the Content-Encoding is {encoding[:100]}; send the body uncompressed"
        )


def parse_form(body: bytes, content_type: str, *, max_parts: int) -> list[Part]:
    """Split `body` at the boundary that `content_type` names (RFC 7578).

    Raises:
        MalformedBody: there is no boundary, the body breaks the format, or it ends too early.
        BatchTooLarge: there are more than `max_parts`.
    """
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise MalformedBody(f"the Content-Type is {FORM}, but has no boundary")
    form = _Form(max_parts)
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": form.begin_part,
                "on_header_field": form.add_header_name,
                "on_header_value": form.add_header_value,
                "on_header_end": form.end_header,
                "on_part_data": form.add_content,
                "on_part_end": form.end_part,
                "on_end": form.end,
            },
        )
        parser.write(body)
    except FormParserError as error:
        raise MalformedBody(f"the body is not {FORM}: {error}") from error
    if not form.complete:
        raise MalformedBody(f"the body ends before the last boundary of its {FORM}")
    return form.parts


class _Form:
    """Callbacks of the parser, which may report any piece in several steps."""

    def __init__(self, max_parts: int) -> None:
        self.parts: list[Part] = []
        self.complete = False
        self._max_parts = max_parts
        self._begin()

    def _begin(self) -> None:
        self._header_name = self._header_value = self._disposition = b""
        self._content: list[bytes] = []

    def begin_part(self) -> None:
        if len(self.parts) == self._max_parts:
            raise BatchTooLarge(
                f"the form has more than {self._max_parts} parts; send smaller batches"
            )
        self._begin()

    def add_header_name(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]

    def add_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]

    def end_header(self) -> None:
        if self._header_name.lower() == b"content-disposition":
            self._disposition = self._header_value
        self._header_name = self._header_value = b""

    def add_content(self, data: bytes, start: int, end: int) -> None:
        self._content.append(data[start:end])

    def end_part(self) -> None:
        _, options = parse_options_header(self._disposition)
        name, filename = options.get(b"name"), options.get(b"filename")
        if name is None:
            raise MalformedBody("a part of the form has no name in its Content-Disposition")
        self.parts.append(
            Part(
                _text(name),
                self._extended_filename() if filename is None else _text(filename),
                b"".join(self._content),
            )
        )

    def _extended_filename(self) -> str | None:
        # RFC 7578 forbids the form of RFC 5987 here, and the parser skips it; some clients use it.
        match = _EXTENDED_FILENAME.search(self._disposition.decode("latin-1"))
        return unquote(match[2], match[1].lower(), errors="replace") if match else None

    def end(self) -> None:
        self.complete = True


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace")


def _content_type(request: Request) -> str:
    require_uncompressed(request)
    return media_type(request.headers)


def _item(part: Part) -> Item:
    """Return the picture of a file, or of a text: a `data:` URL, as `canvas.toDataURL` returns."""
    if part.filename is None and (text := _printable(part.content)):
        try:
            if len(text) < _LEAST_BASE64 and not is_data_url(text):
                raise InvalidItem(
                    f"{part.name} is the text {text!r}, not a picture; if that is the name of a"
                    f" file, send the file itself: curl -F {part.name}=@{text}"
                )
            return Item(None, decode_base64(text))
        except InvalidItem as error:
            return Item(None, error)
    return Item(part.filename or None, part.content)


def _printable(content: bytes) -> str | None:
    """Return the text of `content`; None for a file, which some clients send without a name."""
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return None
    return text if is_data_url(text) or text.isprintable() else None


def _parse_files(body: bytes, content_type: str, field: str, max_parts: int) -> list[Item]:
    parts = parse_form(body, content_type, max_parts=max_parts)
    if unknown := {part.name for part in parts} - {field}:
        what = f"is not known; send images as {field!r}, options as query parameters"
        raise InvalidRequest([Fault(where=name[:100], what=what) for name in sorted(unknown)])
    if not parts:
        raise InvalidRequest.of(field, "the form holds no file")
    return list(map(_item, parts))


async def _read_form(request: Request, field: str, *, max_parts: int) -> list[Item]:
    body = await request.body()
    parse = partial(_parse_files, body, request.headers["content-type"], field, max_parts)
    return await run_parser(parse, len(body))
