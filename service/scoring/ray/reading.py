"""A task to its pictures, wherever they are; what is on this machine is read as ever."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import groupby

from service.imaging import UnreadableImage
from service.scoring.archives import Archives, is_archive
from service.scoring.arrays import is_array
from service.scoring.contents import Item, contents, contents_of_archive
from service.scoring.errors import FileTooLarge, UnreadableArray, UnreadableFile
from service.scoring.pieces import Piece, Task
from service.scoring.ray.stores import Stores, is_address
from service.scoring.ray.tables import is_table, pictures_in

# A store takes its time to answer, and answers many at once.
_AT_ONCE = 16


class Reader:
    """Reads what `list_everywhere` lists.

        read = Reader(column=None, max_bytes=10**7)
        Scorer(job, read).rows(task)

    Args:
        column: where the pictures of tables are; None: the one column that can hold them.
        max_bytes: the largest file that is read.
    """

    def __init__(self, column: str | None, max_bytes: int) -> None:
        self._column = column
        self._max_bytes = max_bytes
        self._stores = Stores()
        self._here = Archives()
        self._there = Archives(self._stores.open_for_parts)

    def __call__(self, task: Task) -> Iterator[Item]:
        """The pictures of `task`, one by one; as many as were listed."""
        for of, pieces in groupby(task, self._way):
            yield from of(pieces)

    def _way(self, piece: Piece) -> Callable[[Iterable[Piece]], Iterator[Item]]:
        if is_table(piece.source):
            return self._of_tables
        if not is_address(piece.source):
            return self._as_ever
        return self._of_archives if is_archive(piece.source) else self._of_files

    def _as_ever(self, pieces: Iterable[Piece]) -> Iterator[Item]:
        return contents(tuple(pieces), self._here, max_bytes=self._max_bytes)

    def _of_tables(self, pieces: Iterable[Piece]) -> Iterator[Item]:
        for piece in pieces:
            yield from pictures_in(piece, self._stores, self._column, self._max_bytes)

    def _of_archives(self, pieces: Iterable[Piece]) -> Iterator[Item]:
        for piece in pieces:
            yield from contents_of_archive(piece, self._there, self._max_bytes)

    def _of_files(self, pieces: Iterable[Piece]) -> Iterator[Item]:
        coming: deque[Future[Item]] = deque()
        with ThreadPoolExecutor(_AT_ONCE) as threads:
            for piece in pieces:
                coming.append(threads.submit(self._of_file, piece.source))
                # Twice as many: there is something to fetch while what came is read.
                if len(coming) == 2 * _AT_ONCE:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()

    def _of_file(self, source: str) -> Item:
        return Item(source, None, self._fetched(source))

    def _fetched(self, source: str) -> bytes | UnreadableImage:
        if is_array(source):
            return UnreadableArray("arrays are mapped into memory; copy it to a folder first")
        try:
            with self._stores.open(source) as file:
                if (size := file.size()) > self._max_bytes:
                    return FileTooLarge.of(size, self._max_bytes)
                return bytes(file.read())
        except Exception as error:
            # Which one it is depends on the store and its library.
            return UnreadableFile(f"the file cannot be read ({error!s:.200})")
