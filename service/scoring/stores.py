"""Pictures beyond this machine's files: object stores.

`s3://` and `gs://` are read by Arrow, which finds region, endpoint and keys where their own tools
do; other addresses by fsspec.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from glob import has_magic
from io import BufferedReader
from typing import Any, BinaryIO, cast

import fsspec
import pyarrow.fs
from fsspec.implementations.arrow import ArrowFSWrapper

from service.scoring.contents import Contents, kind_of, open_file
from service.scoring.pieces import Item, Piece, is_address
from service.scoring.sources import Found, NoSuchSource, list_paths
from service.scoring.tables import ANY_COLUMNS, Columns

_BY_ARROW = ("s3", "gs", "gcs")

_READ_AHEAD_BYTES = 1024 * 1024

# Stores are slow to answer, and answer many requests at once.
_FILES_AT_ONCE = 16


def filesystem_of(source: str) -> tuple[Any, str]:
    """Return the fsspec file system of an address or a path, and its name for the file there."""
    scheme, _, path = source.partition("://")
    if path and scheme in _BY_ARROW:
        return _arrow_store(f"{scheme}://{path.partition('/')[0]}"), path.rstrip("/")
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


def list_source(source: str, ignored: frozenset[str]) -> Iterator[Found]:
    """Yield the files of one SOURCE, which may be the address of a folder, a file or a pattern.

    Those in `ignored` are skipped, real paths and addresses, with everything below them.

    Raises:
        NoSuchSource: it does not exist, or cannot be listed.
    """
    below = tuple(f"{each.rstrip('/')}/" for each in ignored)
    found = _addresses(source) if is_address(source) else list_paths(source, ignored)
    return (file for file in found if not file.path.startswith(below))


def _addresses(source: str) -> Iterator[Found]:
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
            address = folder.rstrip("/") + below
            is_meant = has_magic(source) and kind_of(source) == "table"
            yield Found(address, named=is_meant or address == source)


class StoreContents(Contents):
    """Finds pictures in stores too, and reads ahead there."""

    def __init__(
        self, max_bytes: int, columns: Columns = ANY_COLUMNS, *, all_pages: bool = False
    ) -> None:
        super().__init__(max_bytes, columns, _open_anywhere, all_pages=all_pages)
        self._threads = ThreadPoolExecutor(_FILES_AT_ONCE)

    def stamp(self, path: str) -> str:
        """Return what changes when the file at `path` does."""
        if not is_address(path):
            return super().stamp(path)
        files, name = filesystem_of(path)
        about = files.info(name)
        return f"{about.get('size')} {about.get('mtime')}"

    def of(self, pieces: Iterable[Piece]) -> Iterator[Item]:
        """Yield the pictures of `pieces`; several files are read at once."""
        ahead: deque[Future[Item]] = deque()
        for load in self.loads(pieces):
            ahead.append(self._threads.submit(load))
            if len(ahead) > _FILES_AT_ONCE:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()


def _open_anywhere(path: str) -> BinaryIO:
    return open_source(path) if is_address(path) else open_file(path)
