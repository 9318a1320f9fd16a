"""JSON lines: an object for each picture."""

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import orjson

from service.scoring.rows import Column, Row

_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE


@dataclass(frozen=True)
class JsonLines:
    """Lists and null as JSON has them."""

    def encode(self, _columns: Sequence[Column], rows: Sequence[Row]) -> bytes:
        """A line for each of `rows`."""
        return b"".join(orjson.dumps(row, option=_OPTIONS) for row in rows)

    def join(self, _columns: Sequence[Column], parts: Iterable[BinaryIO], file: BinaryIO) -> None:
        """One part after another."""
        for part in parts:
            shutil.copyfileobj(part, file)
