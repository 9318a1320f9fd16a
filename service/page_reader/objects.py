"""The objects of a PDF: dictionaries, lists and streams, which pdfium does not show."""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pypdfium2
from pypdfium2 import raw

# References, brackets, names, all other values.
_TOKEN = re.compile(
    rb"\s*(?:(\d+) \d+ R\b|(<<|>>|\[|\])|(/[^\s/<>()\[\]{}%]*)"
    rb"|(\((?:[^\\()]|\\.)*\)|<[0-9A-Fa-f]*>|[^\s/<>()\[\]{}%]+))",
    re.DOTALL,
)
_STREAM = b"stream\r\n"
_NULL = b"null"


class Damaged(Exception):
    """What is missing from a page, or is cut off."""


class Reference(int):
    """The number of an object."""


class Stream(dict[str, Any]):
    """A dictionary, and the encoded bytes that it describes."""

    encoded: bytes


class Objects:
    """The objects of a PDF: names are `str`, brackets `dict` and `list`, other values `bytes`.

    pdfium writes the file again, with every object plain: none is compressed or encrypted.
    """

    def __init__(self, document: pypdfium2.PdfDocument) -> None:
        file = BytesIO()
        document.save(file, flags=raw.FPDF_NO_INCREMENTAL | raw.FPDF_REMOVE_SECURITY)
        self._data = file.getvalue()
        self._places: dict[int, int] = {}
        start = int(self._data.rpartition(b"startxref")[2].split()[0])
        table, _, trailer = self._data[start:].partition(b"trailer")
        number = 0
        # A line has the first number of those that follow, or the place of an object in use.
        for first, *others in map(bytes.split, table.splitlines()[1:]):
            if len(others) == 1:
                number = int(first)
                continue
            if others[1] == b"n":
                self._places[number] = int(first)
            number += 1
        self._trailer, _ = _parse(trailer, 0)

    def get(self, value: Any) -> Any:  # noqa: ANN401
        """Return a value, or what it refers to; None if that is missing."""
        if not isinstance(value, Reference):
            return value
        place = self._places.get(value)
        if place is None:
            return None
        found, end = _parse(self._data, self._data.index(b"obj", place) + len(b"obj"))
        if isinstance(found, dict) and self._data.startswith(_STREAM, end):
            found = Stream(found)
            start = end + len(_STREAM)
            found.encoded = self._data[start : start + self.number(found, "/Length")]
        return found

    def entries(self, value: Any) -> dict[str, Any]:  # noqa: ANN401
        """Return a dictionary; an empty one for anything else."""
        value = self.get(value)
        return value if isinstance(value, dict) else {}

    def items(self, value: Any) -> list[Any]:  # noqa: ANN401
        """Return a list; any other value may stand for a list of it."""
        found = self.get(value)
        return found if isinstance(found, list) else [] if value is None else [value]

    def number(self, of: dict[str, Any], name: str, default: int = 0) -> int:
        """Return an integer of a dictionary."""
        try:
            return int(self.get(of.get(name)))
        except (TypeError, ValueError):
            return default

    def pages(self) -> Iterator[dict[str, Any]]:
        """Return the pages, in order, with the resources that they inherit."""
        yield from self._pages(self.entries(self._trailer.get("/Root")).get("/Pages"), None)

    def _pages(self, node: Any, resources: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
        node = self.entries(node)
        resources = node.get("/Resources", resources)
        if "/Kids" not in node:
            yield node | {"/Resources": resources}
        for kid in self.items(node.get("/Kids")):
            yield from self._pages(kid, resources)


def _parse(data: bytes, at: int) -> tuple[Any, int]:
    """Return the value that starts at `at`, and where it ends."""
    found: list[Any] = []
    unfinished = [found]
    while len(unfinished) > 1 or not found:
        token = _TOKEN.match(data, at)
        if token is None:
            raise Damaged("it is no PDF")
        at = token.end()
        reference, bracket, name, other = token.groups()
        if bracket in (b"<<", b"["):
            unfinished.append([])
            continue
        value: Any = None if other == _NULL else other
        if reference:
            value = Reference(reference)
        elif name:
            value = name.decode("latin-1")
        elif bracket:
            value = unfinished.pop()
            if bracket == b">>":
                value = dict(zip(value[::2], value[1::2], strict=False))
        unfinished[-1].append(value)
    return found[0], at
