"""The list of a run and the rows of its finished tasks, in `OUT.parts` until OUT is complete.

That is an SQLite file, so a task's rows are in it as a whole or not at all, whatever ends the run,
and no two runs use it at once. `.OUT.done` records what a complete table was made from.
"""

import base64
import hashlib
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from pydantic import BaseModel, ConfigDict, ValidationError

from service.scoring.contents import Contents
from service.scoring.reading import Tally
from service.scoring.sources import Task, from_line, pictures_of, to_line
from service.scoring.tables import unify

if TYPE_CHECKING:
    import pyarrow as pa

_TABLES = """
    CREATE TABLE IF NOT EXISTS run (json TEXT);
    CREATE TABLE IF NOT EXISTS tasks (number INTEGER PRIMARY KEY, pieces BLOB);
    CREATE TABLE IF NOT EXISTS done (number INTEGER PRIMARY KEY, tally TEXT, rows BLOB);
"""


# Is told how many pictures are listed, or read of how many.
Progress = Callable[[int, int | None], None]


class CannotWrite(Exception):
    """Error for a table that cannot be written, or not without losing another."""


class Run(BaseModel):
    """What a run was asked for, and what that is."""

    model_config = ConfigDict(frozen=True)

    request: Mapping[str, Any]  # everything that the rows depend on, by name
    pictures: int  # how many are listed
    digest: str  # of the list and its tables
    skipped: int = 0  # how many files are no pictures
    tables: str = "{}"  # `Contents.stamps` as JSON in ASCII; paths that are not valid text survive
    # The schema of what the tables carry to the results, as Arrow and Base64 encode it.
    columns: str = ""
    written: tuple[int, int] | None = None  # size and time of the table, once it is complete

    @property
    def schema_of_tables(self) -> "pa.Schema | None":
        """The columns of the tables; None without tables."""
        if not self.columns:
            return None
        import pyarrow as pa  # noqa: PLC0415 - an extra, slow to import

        return pa.ipc.read_schema(pa.py_buffer(base64.b64decode(self.columns)))

    def check_request(self, request: Mapping[str, Any], where: str) -> None:
        """Raise CannotWrite if this run, found in `where`, was asked for something else."""
        if names := [name for name in request if request[name] != self.request.get(name)]:
            raise CannotWrite(
                f"{where} belongs to a run with another {', '.join(names)}; repeat that command to"
                " resume it, or use --overwrite to start over"
            )

    def check_tables(self, contents: Contents) -> None:
        """Raise CannotWrite if a table has changed since it was listed."""
        for path, stamp in json.loads(self.tables).items():
            if contents.stamp(path) != stamp:
                raise CannotWrite(
                    f"{path} has changed since the run began; use --overwrite to start over"
                )

    def check_list(self, listing: "Listing", name: str) -> None:
        """Raise CannotWrite if `name` was made from another list."""
        if listing.run({}).digest != self.digest:
            raise CannotWrite(
                f"{name} is complete, but its sources have other pictures now; name another --out,"
                " or use --overwrite to start over"
            )


class Listing:
    """The lines of `tasks`, counted and hashed as they are listed.

    `progress` is told how many.
    """

    def __init__(self, tasks: Iterable[Task], contents: Contents, progress: Progress) -> None:
        self._tasks = tasks
        self._contents = contents
        self._progress = progress
        self._hash = hashlib.sha256()
        self._pictures = 0

    def __iter__(self) -> Iterator[bytes]:
        for task in self._tasks:
            line = to_line(task)
            self._hash.update(line)
            self._pictures += pictures_of(task)
            self._progress(self._pictures, None)
            yield line

    def run(self, request: Mapping[str, Any]) -> Run:
        """Return the run of `request` that has this list.

        Raises:
            UnreadableContent: its tables do not go together.
        """
        tables, schemas = json.dumps(self._contents.stamps), self._contents.schemas
        columns = unify(schemas).serialize().to_pybytes() if schemas else b""
        return Run(
            request=request,
            pictures=self._pictures,
            digest=hashlib.sha256(self._hash.digest() + tables.encode()).hexdigest(),
            skipped=self._contents.skipped,
            tables=tables,
            columns=base64.b64encode(columns).decode(),
        )


def checkpoint_file(out: Path) -> Path:
    """Return the path of the checkpoint of `out`."""
    return out.with_name(f"{out.name}.parts")


def own_files(out: Path) -> frozenset[str]:
    """Return the real paths of what a run writes, which may be in a folder that it reads."""
    file = checkpoint_file(out)
    return frozenset(str(path.resolve()) for path in (out, file, Path(f"{file}-journal")))


@contextmanager
def open_checkpoint(out: Path) -> Iterator["Checkpoint"]:
    """Open the checkpoint of `out`, for this process alone.

    Raises:
        CannotWrite: it cannot be made, or another process uses it.
        OSError: the disk is full, or fails.
    """
    if not out.parent.is_dir():
        raise CannotWrite(f"{out}: there is no folder {out.parent}; create it first")
    if out.is_dir():
        raise CannotWrite(f"{out} is a folder; name a file")
    file = checkpoint_file(out)
    try:
        with closing(_locked_database(file, out)) as database:
            checkpoint = Checkpoint(out, database)
            try:
                yield checkpoint
            finally:
                # What is not committed is no list, or not all of a task.
                database.rollback()
                if checkpoint.run is None:
                    file.unlink()
    except sqlite3.Error as error:
        raise OSError(f"{file}: {error}") from error


def _locked_database(file: Path, out: Path) -> sqlite3.Connection:
    try:
        database = sqlite3.connect(file, timeout=0)
        # The lock is kept from the first transaction on.
        database.execute("PRAGMA locking_mode = EXCLUSIVE")
        database.executescript(f"BEGIN EXCLUSIVE; {_TABLES} COMMIT;")
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):
            raise CannotWrite(f"another run is writing {out}; wait until it ends") from error
        raise CannotWrite(f"{file} cannot be written, or is another file ({error})") from error
    return database


class Checkpoint:
    """The finished tasks of a table; `run` is what is listed, if anything is."""

    def __init__(self, out: Path, database: sqlite3.Connection) -> None:
        self._out = out
        self._database = database
        self._record = out.with_name(f".{out.name}.done")
        self._done = 0
        self.tally = Tally()
        found = database.execute("SELECT json FROM run").fetchone()
        self.run = Run.model_validate_json(found[0]) if found else None

    def begin(self, request: Mapping[str, Any], listing: Listing, *, overwrite: bool) -> Run | None:
        """Resume the run of the same `request`, or start one.

        A new one reads what is in `listing`; with `overwrite`, it is started in any case.

        Returns what is to be done; None if there is a complete table of the same request.

        Raises:
            CannotWrite: there is another file, or an unfinished run of another request.
        """
        if self.run is not None and not overwrite:
            self.run.check_request(request, str(checkpoint_file(self._out)))
            for (tally,) in self._database.execute("SELECT tally FROM done"):
                self._done += 1
                self.tally += Tally.model_validate_json(tally)
            return self.run
        if self._out.exists() and not overwrite:
            complete = self._complete(request)
            for _ in listing:
                pass
            complete.check_list(listing, str(self._out))
            return None
        for table in ("run", "done", "tasks"):
            self._database.execute(f"DELETE FROM {table}")  # noqa: S608 - fixed names
        self._database.executemany("INSERT INTO tasks VALUES (?, ?)", enumerate(listing))
        self.run = listing.run(request)
        self._database.execute("INSERT INTO run VALUES (?)", [self.run.model_dump_json()])
        self._database.commit()
        return self.run

    def remaining(self) -> Iterator[Task]:
        """Yield the tasks that are not done."""
        query = "SELECT pieces FROM tasks WHERE number >= ? ORDER BY number"
        for (line,) in self._database.execute(query, [self._done]):
            yield from_line(line)

    def add(self, rows: bytes, tally: Tally) -> None:
        """Keep the rows of the next task; they are on the disk when this returns."""
        values = (self._done, tally.model_dump_json(), rows)
        self._database.execute("INSERT INTO done VALUES (?, ?, ?)", values)
        self._database.commit()
        self._done += 1
        self.tally += tally

    def finish(self, join: Callable[[Iterator[bytes], BinaryIO], None]) -> None:
        """Let `join` write the table from all rows, put it into place, and remove the rest."""
        new = self._out.with_name(f".{self._out.name}.new")
        try:
            with new.open("wb") as file:
                found = self._database.execute("SELECT rows FROM done ORDER BY number")
                join((rows for (rows,) in found), file)
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._out)
        finally:
            new.unlink(missing_ok=True)
        if self.run is not None:
            record = self.run.model_copy(update={"written": _stamp(self._out)})
            self._record.write_text(record.model_dump_json())
        self.run = None

    def _complete(self, request: Mapping[str, Any]) -> Run:
        with suppress(FileNotFoundError, ValidationError):
            record = Run.model_validate_json(self._record.read_bytes())
            if (record.request, record.written) == (request, _stamp(self._out)):
                return record
        raise CannotWrite(f"{self._out} already exists; --overwrite replaces it")


def _stamp(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns
