"""Rows to CSV, JSON lines or Parquet, all with the same columns.

A writer encodes the rows of each task where they are read, and later joins what was encoded.
"""

import csv
import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from service.extras import how_to_install, is_installed
from service.scoring.reading import Column, Row

if TYPE_CHECKING:
    import pyarrow as pa

# Those of the results, and Arrow's fields for what is copied from tables.
Columns = Sequence["Column | pa.Field"]

_JSON_OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_APPEND_NEWLINE

# Spreadsheets run a cell that begins so as a formula: owasp.org/www-community/attacks/CSV_Injection
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?", re.ASCII | re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")

# Rows written together: fewer make a Parquet file slow to read, more take memory here.
_ROW_GROUP = 65_536


class UnknownFormat(Exception):
    """Error for a file whose name ends in no known format, or one that needs a missing extra."""


def choose_writer(path: Path) -> "Writer":
    """Return the writer for the file at `path`, by the end of its name.

    Raises:
        UnknownFormat: it is none of .parquet, .csv and .jsonl, or pyarrow is missing.
    """
    match path.suffix.lower():
        case ".jsonl" | ".ndjson":
            return JsonLines()
        case ".csv":
            return Csv()
        case ".parquet":
            if not is_installed("pyarrow"):
                raise UnknownFormat(
                    f"Parquet requires pyarrow, which is not installed:"
                    f" {how_to_install('parquet')}; or write .csv or .jsonl"
                )
            return Parquet()
    raise UnknownFormat(
        f"{path} does not end in .parquet, .csv or .jsonl; rename it, or use - for standard output"
    )


class JsonLines:
    """One JSON object per picture."""

    def encode(self, _columns: Columns, rows: Sequence[Row]) -> bytes:
        """Encode a line for each of `rows`."""
        return b"".join(orjson.dumps(row, _plain, _JSON_OPTIONS) for row in rows)

    def join(self, _columns: Columns, chunks: Iterable[bytes], file: BinaryIO) -> None:
        """Concatenate `chunks`."""
        file.writelines(chunks)


class Csv:
    """RFC 4180 in UTF-8 with a header; lists are JSON in a cell, null is an empty cell.

    Text that a spreadsheet would run as a formula gets a leading apostrophe, and control
    characters are escaped as in Python.
    """

    def encode(self, columns: Columns, rows: Sequence[Row]) -> bytes:
        """Encode a line for each of `rows`."""
        cells = [
            _CELLS.get(column.type, _json_cell) if isinstance(column, Column) else _carried_cell
            for column in columns
        ]
        return _csv_lines(
            [
                None if row[column.name] is None else cell(row[column.name])
                for column, cell in zip(columns, cells, strict=True)
            ]
            for row in rows
        )

    def join(self, columns: Columns, chunks: Iterable[bytes], file: BinaryIO) -> None:
        """Concatenate `chunks` below the header."""
        file.write(_csv_lines([[_text_cell(column.name) for column in columns]]))
        file.writelines(chunks)


class Parquet:
    """Parquet by pyarrow; chunks are Arrow streams, fast to write and to read again."""

    def encode(self, columns: Columns, rows: Sequence[Row]) -> bytes:
        """Encode `rows` as an Arrow stream."""
        import pyarrow as pa  # noqa: PLC0415 - an extra, slow to import

        batch = record_batch(columns, rows)
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as stream:
            stream.write_batch(batch)
        return bytes(sink.getvalue())

    def join(self, columns: Columns, chunks: Iterable[bytes], file: BinaryIO) -> None:
        """Write several chunks to each row group."""
        import pyarrow as pa  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415

        schema = schema_of(columns)
        with parquet.ParquetWriter(file, schema, compression="zstd") as writer:
            batches: list[pa.RecordBatch] = []
            for chunk in chunks:
                batches += pa.ipc.open_stream(chunk)
                if sum(batch.num_rows for batch in batches) >= _ROW_GROUP:
                    writer.write_table(pa.Table.from_batches(batches, schema))
                    batches = []
            if batches:
                writer.write_table(pa.Table.from_batches(batches, schema))


# A format: it encodes rows, in any process, and joins them to a table in one.
Writer = JsonLines | Csv | Parquet


def record_batch(columns: Columns, rows: Sequence[Row]) -> "pa.RecordBatch":
    """Return `rows` as Arrow data."""
    import pyarrow as pa  # noqa: PLC0415

    schema = schema_of(columns)
    arrays = [
        pa.array([_cast(row[each.name], each.type) for row in rows], each.type) for each in schema
    ]
    return pa.record_batch(arrays, schema=schema)


def schema_of(columns: Columns) -> "pa.Schema":
    """Return the Arrow schema of `columns`, with what each holds as its metadata."""
    import pyarrow as pa  # noqa: PLC0415

    digits = pa.struct(
        {"digit": pa.int8(), "confidence": pa.float32(), "box": pa.list_(pa.int32())}
    )
    alternatives = pa.struct({"text": pa.string(), "confidence": pa.float32()})
    types = {
        "string": pa.string(),
        "int8": pa.int8(),
        "float32": pa.float32(),
        "list<string>": pa.list_(pa.string()),
        "list<float32>": pa.list_(pa.float32()),
        "list<struct<digit: int8, confidence: float32, box: list<int32>>>": pa.list_(digits),
        "list<struct<text: string, confidence: float32>>": pa.list_(alternatives),
    }
    return pa.schema(
        [
            pa.field(column.name, types[column.type], metadata={"about": column.about})
            if isinstance(column, Column)
            else column
            for column in columns
        ]
    )


def _cast(cell: Any, kind: "pa.DataType") -> Any:  # noqa: ANN401 - a scalar or a value
    if not hasattr(cell, "as_py"):
        return cell
    # Arrow takes flat scalars as they are, to the nanosecond; lists, only as values.
    if not cell.is_valid or cell.type.num_fields:
        return cell.as_py()
    # Two tables may have two kinds of numbers in a column.
    return cell if cell.type == kind else cell.cast(kind)


def _plain(cell: Any) -> Any:  # noqa: ANN401 - what JSON lacks
    if isinstance(cell, bytes):
        return b64encode(cell).decode()
    if not hasattr(cell, "as_py"):
        return str(cell)
    import pyarrow as pa  # noqa: PLC0415

    is_text = pa.types.is_temporal(cell.type) or pa.types.is_decimal(cell.type)
    return str(cell) if is_text and cell.is_valid else cell.as_py()


def _carried_cell(cell: Any) -> object:  # noqa: ANN401
    value = cell if isinstance(cell, str) else orjson.loads(orjson.dumps(cell, _plain))
    if isinstance(value, str):
        return value if _NUMBER.fullmatch(value) else _text_cell(value)
    return _json_cell(value) if isinstance(value, bool | list | dict) else value


def _csv_lines(rows: Iterable[Sequence[Any]]) -> bytes:
    text = StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _text_cell(text: str) -> str:
    escaped = _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
    return f"'{escaped}" if text.startswith(_FORMULA_STARTS) else escaped


def _json_cell(value: object) -> str:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY).decode()


_CELLS: dict[str, Callable[[Any], object]] = {
    "string": _text_cell,
    "int8": lambda number: number,
    "float32": lambda number: number,
}
