"""CSV, as RFC 4180 has it, with a line of names; in UTF-8."""

import csv
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any, BinaryIO

import orjson

from service.scoring.rows import Column, Row


@dataclass(frozen=True)
class CommaSeparated:
    """Lists are JSON in a cell; null is an empty cell."""

    def encode(self, columns: Sequence[Column], rows: Sequence[Row]) -> bytes:
        """A line for each of `rows`."""
        lists = {column.name for column in columns if column.type.startswith("list<")}
        return _lines(
            [_json(value) if name in lists else value for name, value in row.items()]
            for row in rows
        )

    def join(self, columns: Sequence[Column], parts: Iterable[BinaryIO], file: BinaryIO) -> None:
        """One part after another, under the names."""
        file.write(_lines([[column.name for column in columns]]))
        for part in parts:
            shutil.copyfileobj(part, file)


def _lines(rows: Iterable[Sequence[Any]]) -> bytes:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _json(value: object) -> str | None:
    return (
        None if value is None else orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode()
    )
