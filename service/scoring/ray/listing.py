"""SOURCE to pieces where addresses and Parquet are allowed; the rest is as `list_pieces` has it."""

import re
from collections.abc import Iterator, Sequence
from glob import has_magic
from itertools import takewhile

import fsspec.utils
import pyarrow.fs

from service.scoring.archives import Archives, is_archive
from service.scoring.errors import UnreadableArchive
from service.scoring.pieces import Piece
from service.scoring.ray.stores import Place, Stores, UnknownStore, is_address
from service.scoring.ray.tables import UnreadableTable, is_table, rows_in
from service.scoring.sources import NoSuchSource, list_pieces
from service.scoring.walking import in_order


def list_everywhere(
    sources: Sequence[str], ignored: frozenset[str], stores: Stores
) -> Iterator[Piece]:
    """What there is to read in `sources`, in their order; below a folder in order of the names.

    Of a store one folder is listed at a time, which is held.

    Args:
        sources: what `list_pieces` takes, and addresses of folders, files and patterns.
        ignored: real paths and addresses that are passed over, with all below them, where a folder
            or a pattern leads to them.
        stores: open what is listed.

    Raises:
        NoSuchSource: nothing is there, or it cannot be asked.
    """
    avoided = tuple(f"{each.rstrip('/')}/" for each in ignored)
    for source in sources:
        if is_address(source):
            for address in _addresses(source, stores):
                if not address.startswith(avoided):
                    yield from _pieces_of(address, stores)
        else:
            for piece in list_pieces([source], ignored):
                # A list may name addresses; a folder may have tables in it.
                known = not (is_address(piece.source) or is_table(piece.source))
                yield from (piece,) if known else _pieces_of(piece.source, stores)


def _addresses(source: str, stores: Stores) -> Iterator[str]:
    try:
        if has_magic(source):
            yield from _like(source, stores)
            return
        place = stores.place(source)
        match place.files.get_file_info(place.path).type:
            case pyarrow.fs.FileType.File:
                yield source
                return
            case pyarrow.fs.FileType.Directory:
                found = in_order(_below(place))
                yield from (place.address_of(path, source) for path in found)
                return
    except (OSError, UnknownStore) as error:
        raise NoSuchSource(f"{source}: it cannot be listed: {error}") from error
    raise NoSuchSource(f"{source}: there is no such file or folder")


def _like(pattern: str, stores: Stores) -> Iterator[str]:
    segments = pattern.split("/")
    folder = "/".join(takewhile(lambda segment: not has_magic(segment), segments))
    place = stores.place(folder)
    rest = "/".join(segments)[len(folder) :]
    fits = re.compile(re.escape(place.path) + fsspec.utils.glob_translate(rest)).match
    nothing = True
    for path in in_order(path for path in _below(place) if fits(path)):
        nothing = False
        yield place.address_of(path, folder)
    if nothing:
        raise NoSuchSource(f"no file fits the pattern {pattern}")


def _below(place: Place) -> Iterator[str]:
    folders = [place.path]
    while folders:
        for entry in place.files.get_file_info(pyarrow.fs.FileSelector(folders.pop())):
            if entry.base_name.startswith("."):
                continue
            if entry.type is pyarrow.fs.FileType.Directory:
                folders.append(entry.path)
            else:
                yield entry.path


def _pieces_of(source: str, stores: Stores) -> Iterator[Piece]:
    # What cannot be opened is a piece too: whoever reads it says why.
    count = 1
    try:
        if is_table(source):
            count = rows_in(source, stores)
        elif is_archive(source):
            with Archives(stores.open_for_parts) as archives:
                count = len(archives.members(source))
    except (UnreadableTable, UnreadableArchive):
        pass
    yield Piece(source, 0, count)
