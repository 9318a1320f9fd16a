"""Files below a folder or that fit a pattern, in order of their names, in flat memory."""

import glob
import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path


def files_below(folder: str, ignored: frozenset[str]) -> Iterator[str]:
    """Every file in `folder` and the folders below it, sorted; what cannot be listed comes itself.

    Names that begin with a dot are left out, and links to folders, which may lead in circles.

    Args:
        folder: its path.
        ignored: real paths of files and folders that are left out.
    """
    return in_order(_files_below(folder, ignored))


def files_like(pattern: str, ignored: frozenset[str]) -> Iterator[str]:
    """Every file whose path fits `pattern`, sorted; `**` stands for any number of folders."""
    found = glob.iglob(pattern, recursive=True)  # noqa: PTH207 - Path.glob takes no absolute one
    return in_order(path for path in found if Path(path).is_file() and not _is_in(ignored, path))


def _files_below(folder: str, ignored: frozenset[str]) -> Iterator[str]:
    folders = [folder]
    while folders:
        place = folders.pop()
        try:
            entries = os.scandir(place)
        except OSError:
            yield place
            continue
        with entries:
            for entry in entries:
                if entry.name.startswith(".") or _is_in(ignored, entry.path):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif not entry.is_dir():
                    yield entry.path


def _is_in(paths: frozenset[str], path: str) -> bool:
    # Few files have the name of one that is left out: only of these the real path is looked up.
    name = path.rpartition(os.sep)[2]
    return any(each.endswith(name) for each in paths) and str(Path(path).resolve()) in paths


def in_order(paths: Iterable[str]) -> Iterator[str]:
    """`paths`, sorted, in flat memory."""
    # A database without a name lives in a temporary file, so that a folder may hold any number.
    with closing(sqlite3.connect("")) as disk:
        disk.execute("CREATE TABLE found (path BLOB)")
        disk.executemany("INSERT INTO found VALUES (?)", ((os.fsencode(path),) for path in paths))
        for (path,) in disk.execute("SELECT path FROM found ORDER BY path"):
            yield os.fsdecode(path)
