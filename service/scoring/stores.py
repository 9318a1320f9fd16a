"""Pictures beyond this machine's files: object stores, and columns of Parquet files.

`s3://` and `gs://` are read by Arrow, which finds region, endpoint and keys where their own tools
do; other addresses by fsspec.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from glob import has_magic
from io import BufferedReader
from itertools import chain
from typing import Any

import fsspec
import pyarrow as pa
import pyarrow.fs
import pyarrow.parquet
from fsspec.implementations.arrow import ArrowFSWrapper

from service.scoring.contents import (
    Archives,
    Item,
    Piece,
    Unread,
    UnreadableContent,
    count_pictures,
    is_archive,
    is_array,
    too_large,
)
from service.scoring.sources import NoSuchSource, list_paths

_ADDRESS = re.compile(r"(\w[\w+.-]*)://([^/]*)")
_BY_ARROW = ("s3", "gs", "gcs")

# Hugging Face stores pictures as a struct of their bytes and the name of their file.
_BYTES = "bytes"

_READ_AHEAD_BYTES = 1024 * 1024
_ROWS_AT_ONCE = 64


def is_address(source: str) -> bool:
    """Tell whether `source` names a store rather than a path."""
    return _ADDRESS.match(source) is not None


def is_table(source: str) -> bool:
    """Tell whether the name of the file at `source` is that of a Parquet file."""
    return source.lower().endswith(".parquet")


def filesystem_of(source: str) -> tuple[Any, str]:
    """Return the fsspec file system of an address or a path, and how it calls the file there."""
    found = _ADDRESS.match(source)
    if found and found[1] in _BY_ARROW:
        # Without a trailing slash, as Arrow wants it.
        return _arrow_store(found[0]), source.partition("://")[2].rstrip("/")
    files, path = fsspec.core.url_to_fs(source)
    return files, path


def arrow_filesystem(files: Any) -> pyarrow.fs.FileSystem:  # noqa: ANN401 - fsspec has no types
    """Return a file system of `filesystem_of` as Arrow's."""
    if isinstance(files, ArrowFSWrapper):
        return files.fs
    if files.protocol == ("file", "local"):
        return pyarrow.fs.LocalFileSystem()
    return pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(files))


@lru_cache
def _arrow_store(bucket: str) -> ArrowFSWrapper:
    # To find a bucket's region takes a request.
    return ArrowFSWrapper(pyarrow.fs.FileSystem.from_uri(bucket)[0])


def open_source(source: str) -> BufferedReader:
    """Open the file at an address or a path, for reading at any position."""
    files, path = filesystem_of(source)
    return BufferedReader(arrow_filesystem(files).open_input_file(path), _READ_AHEAD_BYTES)


def list_everywhere(sources: Sequence[str], ignored: frozenset[str]) -> Iterator[Piece]:
    """Yield what `list_pieces` does, for addresses and Parquet files too.

    Args:
        sources: as for `list_pieces`, or addresses of folders, files and patterns.
        ignored: real paths and addresses that are skipped, with everything below them.

    Raises:
        NoSuchSource: one does not exist, or cannot be listed.
    """
    below = tuple(f"{each.rstrip('/')}/" for each in ignored)
    for source in sources:
        paths = _addresses(source) if is_address(source) else list_paths(source, ignored)
        for path in paths:
            if not path.startswith(below):
                yield Piece(path, 0, _count(path))


def _addresses(source: str) -> Iterator[str]:
    folder = source
    while has_magic(folder):
        folder = folder.rpartition("/")[0]
    try:
        files, path = filesystem_of(source)
        _, root = filesystem_of(folder)
        listing = files.glob if has_magic(source) else files.find
        listed = listing(path, detail=True)
    except Exception as error:
        # Which one it is depends on the store and its library.
        raise NoSuchSource(f"{source}: it cannot be listed: {error}") from error
    found = sorted(name for name, about in listed.items() if about["type"] == "file")
    if not found:
        raise NoSuchSource(f"{source}: no such file or folder, or it is empty")
    for name in found:
        # Not every path has all of its address: that of sftp:// lacks the host.
        rest = name.removeprefix(root.rstrip("/"))
        if not any(part.startswith(".") for part in rest.split("/")):
            yield folder.rstrip("/") + rest


def _count(source: str) -> int:
    if is_table(source):
        try:
            with open_source(source) as file:
                return int(pyarrow.parquet.ParquetFile(file).metadata.num_rows)
        except Exception:
            # Its row says why.
            return 1
    if not is_address(source):
        return count_pictures(source)
    if is_archive(source):
        try:
            return len(Archives(open_source).members(source))
        except UnreadableContent:
            pass
    return 1


def fetch(source: str, max_bytes: int) -> Item:
    """Return the picture in the file at an address."""
    content: bytes | Unread
    if is_array(source):
        reason = "arrays are mapped into memory; copy it to a folder first"
        return Item(source, None, Unread("unreadable-array", reason))
    try:
        files, path = filesystem_of(source)
        size = files.size(path)
        content = too_large(size, max_bytes) if size > max_bytes else files.cat_file(path)
    except Exception as error:
        content = Unread("unreadable-file", f"the file cannot be read ({error!s:.200})")
    return Item(source, None, content)


def table_contents(piece: Piece, column: str | None, max_bytes: int) -> Iterator[Item]:
    """Yield the pictures in the rows of `piece`, as many as it lists.

    Args:
        piece: rows of a Parquet file.
        column: the column of pictures; None: the only one that can be it.
        max_bytes: the largest picture that is read.
    """
    missing = Unread("unreadable-table", "the table has become shorter since it was listed")
    row = piece.start
    try:
        with open_source(piece.source) as file:
            for cell in _cells(pyarrow.parquet.ParquetFile(file), piece, column):
                content = cell[_BYTES] if isinstance(cell, dict) else cell
                if content is None:
                    content = Unread("unreadable-table", "the row has no picture")
                elif len(content) > max_bytes:
                    content = too_large(len(content), max_bytes)
                yield Item(piece.source, str(row), content)
                row += 1
    except UnreadableContent as error:
        missing = error.unread
    except Exception as error:
        missing = Unread("unreadable-table", f"it cannot be read as Parquet: {error!s:.200}")
    for number in range(row, piece.stop):
        yield Item(piece.source, str(number), missing)


def _cells(table: pyarrow.parquet.ParquetFile, piece: Piece, column: str | None) -> Iterator[Any]:
    name = _picture_column(table.schema_arrow, column)
    row = 0
    for group in range(table.num_row_groups):
        rows = table.metadata.row_group(group).num_rows
        if row < piece.stop and row + rows > piece.start:
            batches = table.iter_batches(_ROWS_AT_ONCE, row_groups=[group], columns=[name])
            cells = chain.from_iterable(batch.column(0) for batch in batches)
            for number, cell in enumerate(cells, row):
                if piece.start <= number < piece.stop:
                    yield cell.as_py()
        row += rows


def _picture_column(schema: pa.Schema, column: str | None) -> str:
    names: list[str] = [field.name for field in schema if _holds_bytes(field.type)]
    named = [name for name in names if column in (None, name)]
    if len(named) == 1:
        return named[0]
    wanted = "exactly one column" if column is None else f"a column {column}"
    raise UnreadableContent(
        "unreadable-table",
        f"it does not have {wanted} of bytes (found: {', '.join(names) or 'none'}); use --column",
    )


def _holds_bytes(kind: pa.DataType) -> bool:
    if pa.types.is_struct(kind):
        return any(each.name == _BYTES and _holds_bytes(each.type) for each in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
