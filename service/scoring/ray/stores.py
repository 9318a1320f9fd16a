"""Addresses such as s3://scans/monday to file systems: Arrow's own, or those of fsspec."""

from collections.abc import Callable
from io import BufferedReader
from typing import BinaryIO, NamedTuple

import fsspec
import pyarrow.fs

_MARK = "://"

# Arrow speaks to these itself. It reads region, endpoint and keys from where their makers' own
# programs read them: AWS_REGION, AWS_ENDPOINT_URL, ~/.aws, a machine's role, and their like.
_OBJECT_STORES = ("s3", "gs", "gcs")

AHEAD_BYTES = 1024 * 1024


class UnknownStore(Exception):
    """No file system answers to such an address."""


class Place(NamedTuple):
    """A file or folder, and where that is.

    Attributes:
        files: the file system.
        path: as the file system calls it.
    """

    files: pyarrow.fs.FileSystem
    path: str

    def address_of(self, below: str, address: str) -> str:
        """The address of the path `below` this one, whose own is `address`."""
        # Of some addresses no path tells the whole: that of sftp:// leaves the host out.
        kind, _, place = address.partition(_MARK)
        return kind + _MARK + place.rstrip("/") + below.removeprefix(self.path.rstrip("/"))


def is_address(source: str) -> bool:
    """Whether `source` names a store besides a path."""
    return _MARK in source


class Stores:
    """Keeps the file systems that were used open: to find a bucket's region takes a request."""

    def __init__(self) -> None:
        self._open: dict[str, pyarrow.fs.FileSystem] = {}

    def place(self, source: str) -> Place:
        """Where `source` is, an address or a path on this machine.

        Raises:
            UnknownStore: no file system answers to it.
        """
        if not is_address(source):
            return Place(self._kept("", pyarrow.fs.LocalFileSystem), source)
        kind, _, path = source.partition(_MARK)
        try:
            if kind in _OBJECT_STORES:
                bucket = f"{kind}{_MARK}{path.partition('/')[0]}"
                return Place(
                    self._kept(bucket, lambda: pyarrow.fs.FileSystem.from_uri(bucket)[0]),
                    path.rstrip("/"),
                )
            if kind == "file":
                return Place(self._kept("", pyarrow.fs.LocalFileSystem), path)
            # fsspec keeps its own open, one for each host and account.
            files, path = fsspec.core.url_to_fs(source)
            return Place(pyarrow.fs.PyFileSystem(pyarrow.fs.FSSpecHandler(files)), path)
        except Exception as error:
            # Which one it is depends on the store and its library.
            raise UnknownStore(f"{source}: no file system can be reached there: {error}") from error

    def open(self, source: str) -> pyarrow.NativeFile:
        """The file at `source`, for reading at any place.

        Raises:
            UnknownStore, OSError: it cannot be opened.
        """
        files, path = self.place(source)
        try:
            return files.open_input_file(path)
        except UnicodeError as error:
            # The name of a file need not be text; Arrow wants it to be.
            raise UnknownStore(f"its name is no UTF-8: {error}") from error

    def open_for_parts(self, source: str) -> BinaryIO:
        """The same, for whoever reads small parts: each request brings what comes after, too.

        Raises:
            UnknownStore, OSError: it cannot be opened.
        """
        return BufferedReader(self.open(source), AHEAD_BYTES)

    def _kept(self, name: str, opens: Callable[[], pyarrow.fs.FileSystem]) -> pyarrow.fs.FileSystem:
        if name not in self._open:
            self._open[name] = opens()
        return self._open[name]
