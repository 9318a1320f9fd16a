"""Pictures beyond this machine's files: object stores, and columns of Parquet files.

`s3://` and `gs://` are read by Arrow, which finds region, endpoint and keys where their own tools
do; other addresses by fsspec.
"""

import re
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from glob import has_magic
from io import BufferedReader
from itertools import chain
from typing import Any, BinaryIO, cast

import fsspec
import pyarrow as pa
import pyarrow.fs
from fsspec.implementations.arrow import ArrowFSWrapper
from pyarrow import parquet

from service.scoring.contents import (
    Contents,
    Item,
    Piece,
    Unread,
    UnreadableContent,
    is_archive,
    is_array,
)
from service.scoring.sources import NoSuchSource, list_paths

_ADDRESS = re.compile(r"(\w[\w+.-]*)://[^/]*")
_BY_ARROW = ("s3", "gs", "gcs")

# Hugging Face stores pictures as a struct of their bytes and the name of their file.
_BYTES = "bytes"

_READ_AHEAD_BYTES = 1024 * 1024
_ROWS_AT_ONCE = 64

# Stores are slow to answer, and answer many requests at once.
_FILES_AT_ONCE = 16


def is_address(source: str) -> bool:
    """Tell whether `source` names a store rather than a path."""
    return _ADDRESS.match(source) is not None


def filesystem_of(source: str) -> tuple[Any, str]:
    """Return the fsspec file system of an address or a path, and its name for the file there."""
    found = _ADDRESS.match(source)
    if found and found[1] in _BY_ARROW:
        return _arrow_store(found[0]), source.partition("://")[2].rstrip("/")
    return cast(tuple[Any, str], fsspec.core.url_to_fs(source))


@lru_cache
def _arrow_store(bucket: str) -> ArrowFSWrapper:
    # Finding a bucket's region takes a request.
    return ArrowFSWrapper(pyarrow.fs.FileSystem.from_uri(bucket)[0])


def arrow_filesystem(files: Any) -> pyarrow.fs.FileSystem:  # noqa: ANN401 - fsspec has no types
    """Return a file system of `filesystem_of` as Arrow's."""
    if isinstance(files, ArrowFSWrapper):
        return files.fs
    if files.protocol == ("file", "local"):
        return pyarrow.fs.LocalFileSystem()
    return pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(files))


def open_source(source: str) -> BinaryIO:
    """Open the file at an address or a path, to read it at any position."""
    files, path = filesystem_of(source)
    file = arrow_filesystem(files).open_input_file(path)
    return cast(BinaryIO, BufferedReader(file, _READ_AHEAD_BYTES))


def list_source(source: str, ignored: frozenset[str]) -> Iterator[str]:
    """Yield the files of one SOURCE, which may be the address of a folder, a file or a pattern.

    Args:
        source: what `list_paths` takes, or an address.
        ignored: real paths and addresses that are skipped, with everything below them.

    Raises:
        NoSuchSource: it does not exist, or cannot be listed.
    """
    below = tuple(f"{each.rstrip('/')}/" for each in ignored)
    found = _addresses(source) if is_address(source) else list_paths(source, ignored)
    return (path for path in found if not path.startswith(below))


def _addresses(source: str) -> Iterator[str]:
    folder = source
    while has_magic(folder):
        folder = folder.rpartition("/")[0]
    try:
        files, path = filesystem_of(source)
        root = filesystem_of(folder)[1].rstrip("/")
        listing = files.glob if has_magic(source) else files.find
        listed = listing(path, detail=True)
    except Exception as error:
        # Which one it is depends on the store and its library.
        raise NoSuchSource(f"{source}: it cannot be listed: {error}") from error
    found = sorted(name for name, about in listed.items() if about["type"] == "file")
    if not found:
        raise NoSuchSource(f"{source}: no such file or folder, or an empty one")
    for name in found:
        # Not every path has all of its address: that of sftp:// lacks the host.
        below = name.removeprefix(root)
        if "/." not in below:
            yield folder.rstrip("/") + below


class StoreContents:
    """Finds pictures as `Contents` does, in stores and in Parquet files too.

    Args:
        column: the column of pictures in a Parquet file; None: the only one that can be it.
        max_bytes: the largest file or member that is read.
    """

    def __init__(self, column: str | None, max_bytes: int) -> None:
        self._column = column
        self._max_bytes = max_bytes
        self._here, self._there = Contents(max_bytes), Contents(max_bytes, open_source)
        self._threads = ThreadPoolExecutor(_FILES_AT_ONCE)

    def count(self, source: str) -> int:
        """Return how many pictures the file at `source` contains; one if it cannot be opened."""
        if _is_table(source):
            try:
                with open_source(source) as file:
                    return int(parquet.ParquetFile(file).metadata.num_rows)
            except Exception:
                return 1
        if is_address(source):
            return 1 if is_array(source) else self._there.count(source)
        return self._here.count(source)

    def of(self, pieces: list[Piece]) -> Iterator[Item]:
        """Yield as many pictures as `pieces` list, reading ahead in stores."""
        ahead: deque[Future[Item]] = deque()
        for piece in pieces:
            source = piece.source
            if is_address(source) and not (_is_table(source) or is_archive(source)):
                ahead.append(self._threads.submit(self._of_file, source))
                if len(ahead) > _FILES_AT_ONCE:
                    yield ahead.popleft().result()
                continue
            while ahead:
                yield ahead.popleft().result()
            if _is_table(source):
                yield from self._of_table(piece)
            else:
                yield from (self._there if is_address(source) else self._here).of(piece)
        while ahead:
            yield ahead.popleft().result()

    def _of_file(self, source: str) -> Item:
        if is_array(source):
            reason = "arrays are mapped into memory; copy it to a folder first"
            return Item(source, None, Unread("unreadable-array", reason))
        return self._there.of_file(source)

    def _of_table(self, piece: Piece) -> Iterator[Item]:
        missing = Unread("unreadable-table", "the table has become shorter since it was listed")
        row = piece.start
        try:
            with open_source(piece.source) as file:
                for cell in _cells(parquet.ParquetFile(file), piece, self._column):
                    content = cell[_BYTES] if isinstance(cell, dict) else cell
                    if content is None:
                        content = Unread("unreadable-table", "the row has no picture")
                    yield Item(piece.source, str(row), self._here.limited(content))
                    row += 1
        except UnreadableContent as error:
            missing = error.unread
        except Exception as error:
            # Which one it is depends on the store and its library.
            missing = Unread("unreadable-table", f"it cannot be read as Parquet: {error!s:.200}")
        for number in range(row, piece.stop):
            yield Item(piece.source, str(number), missing)


def _is_table(source: str) -> bool:
    return source.lower().endswith(".parquet")


def _cells(table: parquet.ParquetFile, piece: Piece, column: str | None) -> Iterator[Any]:
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
