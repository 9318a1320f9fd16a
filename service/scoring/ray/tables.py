"""Pictures in a column of a Parquet file: the bytes of a file in each row."""

from collections.abc import Iterator
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet

from service.imaging import UnreadableImage
from service.scoring.contents import Item
from service.scoring.errors import FileTooLarge
from service.scoring.pieces import Piece
from service.scoring.ray.stores import AHEAD_BYTES, Stores

# Hugging Face keeps pictures so: their bytes, and the name of the file that they come from.
_BYTES = "bytes"

# Rows that are unpacked together: a picture may have megabytes.
_TOGETHER = 64


class UnreadableTable(UnreadableImage):
    """The file is no Parquet file, or has no column of pictures."""

    slug = "unreadable-table"


def is_table(source: str) -> bool:
    """Whether the file at `source` is named like a table."""
    return source.lower().endswith(".parquet")


def rows_in(source: str, stores: Stores) -> int:
    """How many rows the table at `source` has.

    Raises:
        UnreadableTable: it cannot be opened, or is no Parquet file.
    """
    with _opened(source, stores) as table:
        return int(table.metadata.num_rows)


def pictures_in(piece: Piece, stores: Stores, column: str | None, most: int) -> Iterator[Item]:
    """The pictures in the rows of `piece`; as many as were listed, whatever has become of them.

    Args:
        piece: rows of a table.
        stores: open it.
        column: where pictures are; None: the one column that can hold them.
        most: the largest picture that is read, in bytes.
    """
    number = piece.start
    try:
        with _opened(piece.source, stores) as table:
            for content in _contents(table, piece, column):
                yield Item(piece.source, str(number), _checked(content, most))
                number += 1
        missing = UnreadableTable("the table has become shorter since it was listed")
    except UnreadableTable as error:
        missing = error
    for each in range(number, piece.stop):
        yield Item(piece.source, str(each), missing)


@contextmanager
def _opened(source: str, stores: Stores) -> Iterator[pa.parquet.ParquetFile]:
    try:
        with stores.open(source) as file:
            # Otherwise the pictures of a whole row group are fetched at once, and held.
            yield pa.parquet.ParquetFile(file, buffer_size=AHEAD_BYTES)
    except UnreadableTable:
        raise
    except Exception as error:
        # Which one it is depends on the store and its library.
        raise UnreadableTable(f"it cannot be read as Parquet: {error!s:.200}") from error


def _contents(
    table: pa.parquet.ParquetFile, piece: Piece, column: str | None
) -> Iterator[bytes | None]:
    field = _field(table.schema_arrow, column)
    groups, skipped = _groups(table.metadata, piece)
    left = piece.stop - piece.start
    for batch in table.iter_batches(_TOGETHER, row_groups=groups, columns=[field.name]):
        rows = batch.column(0).slice(min(skipped, len(batch)))
        skipped -= len(batch) - len(rows)
        for content in rows[:left].to_pylist():
            yield content[_BYTES] if isinstance(content, dict) else content
        left -= len(rows[:left])
        if not left:
            return


def _groups(metadata: pa.parquet.FileMetaData, piece: Piece) -> tuple[list[int], int]:
    """Which row groups hold the rows of `piece`, and how many rows come before these in them."""
    groups: list[int] = []
    before = first = 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        if before < piece.stop and before + rows > piece.start:
            first = first if groups else before
            groups.append(group)
        before += rows
    return groups, piece.start - first


def _field(schema: pa.Schema, column: str | None) -> pa.Field:
    possible = [field for field in schema if _holds_bytes(field.type)]
    named = [field for field in possible if column in (None, field.name)]
    if len(named) == 1:
        return named[0]
    names = ", ".join(field.name for field in possible) or "none"
    wanted = "one column" if column is None else f"a column {column}"
    raise UnreadableTable(f"it has not {wanted} of bytes (of bytes: {names}); name it by --column")


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(each.name == _BYTES and _holds_bytes(each.type) for each in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _checked(content: bytes | None, most: int) -> bytes | UnreadableImage:
    if content is None:
        return UnreadableTable("there is no picture in the row")
    return FileTooLarge.of(len(content), most) if len(content) > most else content
