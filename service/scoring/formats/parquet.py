"""Parquet, by pyarrow: each column with its type."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

from service.scoring.rows import Column, Row

# Rows that are written together: fewer make a file slow to read, more take memory here.
_ROW_GROUP = 65_536

_SCALARS = {"string": pa.string(), "int8": pa.int8(), "int32": pa.int32(), "float32": pa.float32()}


@dataclass(frozen=True)
class Parquet:
    """Parts are Arrow's own stream, which is quick to write and to read again."""

    def encode(self, columns: Sequence[Column], rows: Sequence[Row]) -> bytes:
        """`rows` as a table in memory."""
        schema = schema_of(columns)
        arrays = [pa.array([row[each.name] for row in rows], each.type) for each in schema]
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, schema) as stream:
            stream.write_batch(pa.record_batch(arrays, schema=schema))
        return bytes(sink.getvalue())

    def join(self, columns: Sequence[Column], parts: Iterable[BinaryIO], file: BinaryIO) -> None:
        """Many parts together to each row group."""
        schema = schema_of(columns)
        with pa.parquet.ParquetWriter(file, schema, compression="zstd") as writer:
            gathered: list[pa.RecordBatch] = []
            for part in parts:
                gathered += pa.ipc.open_stream(part.read())
                if sum(batch.num_rows for batch in gathered) >= _ROW_GROUP:
                    writer.write_table(pa.Table.from_batches(gathered, schema))
                    gathered = []
            if gathered:
                writer.write_table(pa.Table.from_batches(gathered, schema))


def schema_of(columns: Sequence[Column]) -> pa.Schema:
    """The Arrow schema of `columns`; what stands in each is kept with it."""
    return pa.schema(
        [
            pa.field(column.name, _type_of(column.type), metadata={"about": column.about})
            for column in columns
        ]
    )


def _type_of(name: str) -> pa.DataType:
    """`list<struct<text: string, confidence: float32>>` and its like."""
    if name.startswith("list<"):
        return pa.list_(_type_of(name[len("list<") : -1]))
    if name.startswith("struct<"):
        members = (member.split(": ", 1) for member in name[len("struct<") : -1].split(", "))
        return pa.struct([(member, _type_of(kind)) for member, kind in members])
    return _SCALARS[name]
