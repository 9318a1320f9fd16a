"""`multipart/form-data` bodies to their parts, without copies on disk."""

from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from service.api.errors import BatchTooLarge, MalformedBody

MEDIA_TYPE = "multipart/form-data"


@dataclass(frozen=True, slots=True)
class Part:
    """One field of a form; a file has a `filename`, unless its sender left it out."""

    name: str
    filename: str | None
    content: bytes


def parse_form(body: bytes, content_type: str, *, max_parts: int) -> list[Part]:
    """Split `body` at the boundary that `content_type` names (RFC 7578).

    Raises:
        MalformedBody: there is no boundary, the body breaks the format, or it ends too early.
        BatchTooLarge: there are more than `max_parts`.
    """
    _, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if not boundary:
        raise MalformedBody(f"the Content-Type is {MEDIA_TYPE}, but names no boundary")
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
        raise MalformedBody(f"the body is not {MEDIA_TYPE}: {error}") from error
    if not form.complete:
        raise MalformedBody(f"the body ends before the last boundary of its {MEDIA_TYPE}")
    return form.parts


class _Form:
    """Collects what the parser reports; the parser may report any piece in several steps."""

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
            raise BatchTooLarge(f"the form has more than {self._max_parts} parts; send it in parts")
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
                _text(name), None if filename is None else _text(filename), b"".join(self._content)
            )
        )

    def end(self) -> None:
        self.complete = True


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", errors="replace")
