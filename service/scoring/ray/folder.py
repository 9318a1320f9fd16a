"""The folder of the results: a Parquet file for each task, in their order, and what they are of.

    00000000.parquet    the rows of the first task
    _numeral/list       the tasks, a line for each, until all are done
    _numeral/run.json   what was asked for; written once the list is whole
    _SUCCESS            the same, once all are done; the folder _numeral is gone then

A file is named after its task, and is whole or not there: on this machine's disks it is written
under another name, and an object store shows nothing before the end. Whoever does a task twice puts
the same rows under the same name. Readers of Parquet pass over names that begin with _.
"""

import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from io import BufferedReader
from pathlib import Path
from typing import Any, BinaryIO
from uuid import uuid4

import pyarrow.fs
from pydantic import BaseModel, ConfigDict, ValidationError

from service.scoring.part_files import force
from service.scoring.ray.stores import AHEAD_BYTES, Stores

_HIDDEN = "_numeral"
_LIST, _RUN, _DONE = f"{_HIDDEN}/list", f"{_HIDDEN}/run.json", "_SUCCESS"
_CLEARED = f"{_HIDDEN}/cleared"
_SUFFIX = ".parquet"
_DIGITS = 8
_NAME = re.compile(rf"(\d{{{_DIGITS},}}){re.escape(_SUFFIX)}")

_FILE = pyarrow.fs.FileType.File


class Run(BaseModel):
    """What a run was asked for, by name, and how much that is."""

    model_config = ConfigDict(frozen=True)

    asked: Mapping[str, Any]
    pictures: int
    files: int


class Folder:
    """The files in the folder at `name`, a path or an address.

    What is refused by the system is raised as OSError.

    Raises:
        UnknownStore: no file system answers to the address.
    """

    def __init__(self, name: str, stores: Stores) -> None:
        self.name = name
        self._files, self._root = stores.place(name)
        # There a file is seen once it is whole, and there are no folders to make.
        self._at_once = self._files.type_name in ("s3", "gcs")

    def make(self) -> None:
        """Make it, where folders have to be made."""
        if not self._at_once:
            self._files.create_dir(self._path(_HIDDEN), recursive=True)

    def others(self) -> list[str]:
        """What is in it that is not ours, by name."""
        found = self._files.get_file_info(pyarrow.fs.FileSelector(self._root, allow_not_found=True))
        names = [entry.base_name for entry in found]
        # Others name their tables by numbers too, such as days.
        numbered = _HIDDEN in names or self.finished() is not None
        return [
            name
            for name in names
            if name not in (_HIDDEN, _DONE) and not (numbered and _number(name) is not None)
        ]

    def done(self) -> frozenset[int]:
        """The numbers of the tasks that have a file."""
        found = self._files.get_file_info(pyarrow.fs.FileSelector(self._root, allow_not_found=True))
        numbers = (_number(entry.base_name) for entry in found if entry.type is _FILE)
        return frozenset(number for number in numbers if number is not None)

    def run(self) -> Run | None:
        """What the run was asked for that is not at its end."""
        return self._run(_RUN) if self._there(_LIST) else None

    def finished(self) -> Run | None:
        """What the run was asked for that came to its end."""
        return self._run(_DONE)

    def begin(self, plan: Path, run: Run) -> None:
        """Keep the list that is in the file `plan`, and what it is of."""
        with plan.open("rb") as lines, self._written(self._path(_LIST)) as file:
            shutil.copyfileobj(lines, file)
        self._put(_RUN, run.model_dump_json().encode())

    def plan(self) -> BinaryIO:
        """The list of tasks, open."""
        # Arrow's own files have no lines. Each look into a store is a request.
        return BufferedReader(self._files.open_input_file(self._path(_LIST)), AHEAD_BYTES)

    def put(self, number: int, table: bytes) -> None:
        """Put the file of the task with this number in its place, or in that of its like."""
        self._put(_name(number), table)

    def open(self, number: int) -> pyarrow.NativeFile | None:
        """The file of the task with this number, where there is one."""
        name = _name(number)
        return self._files.open_input_file(self._path(name)) if self._there(name) else None

    def finish(self, run: Run) -> None:
        """Say that all is there."""
        self._put(_DONE, run.model_dump_json().encode())
        self._files.delete_dir(self._path(_HIDDEN))

    def clear(self) -> None:
        """Remove all that is ours."""
        self.make()
        # Whatever ends it meanwhile, what is left is seen to be ours.
        self._put(_CLEARED, b"")
        # First what says that the rest is whole.
        for name in (_DONE, _RUN):
            if self._there(name):
                self._files.delete_file(self._path(name))
        for number in self.done():
            self._files.delete_file(self._path(_name(number)))
        self._files.delete_dir(self._path(_HIDDEN))

    def _put(self, name: str, content: bytes) -> None:
        path = self._path(name)
        # No two workers write under the same name, though they may do the same task.
        new = path if self._at_once else self._path(f"{_HIDDEN}/{uuid4().hex}")
        with self._written(new) as file:
            file.write(content)
        if new != path:
            self._files.move(new, path)

    @contextmanager
    def _written(self, path: str) -> Iterator[Any]:
        if not isinstance(self._files, pyarrow.fs.LocalFileSystem):
            with self._files.open_output_stream(path) as stream:
                yield stream
            return
        with Path(path).open("wb") as file:
            yield file
            force(file)

    def _run(self, name: str) -> Run | None:
        if not self._there(name):
            return None
        with self._files.open_input_file(self._path(name)) as file:
            try:
                return Run.model_validate_json(file.read())
            except ValidationError:
                return None

    def _there(self, name: str) -> bool:
        return bool(self._files.get_file_info(self._path(name)).type is _FILE)

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip(os.sep)}/{name}"


def _name(number: int) -> str:
    return f"{number:0{_DIGITS}}{_SUFFIX}"


def _number(name: str) -> int | None:
    found = _NAME.fullmatch(name)
    return int(found[1]) if found else None
