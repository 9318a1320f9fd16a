"""A connection to the feedback database, whatever has become of it meanwhile."""

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from service.errors import FeedbackUnavailable
from service.feedback import tables

# How long to wait for another process that writes, and for a server that does not answer.
_PATIENCE_SECONDS = 2

_OPENING_ATTEMPTS = 3
_OPENING_PAUSE_SECONDS = 0.1

_log = logging.getLogger(__name__)


class Database:
    """SQLite or PostgreSQL at a URL; opened at the first use, and anew where the file is another.

        with Database("sqlite:///feedback.db").transaction() as connection:
            connection.execute(...)

    May be used by several threads.
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        """Open what `url` names later; without `create` only what is there already."""
        self._url = make_url(url)
        if self._url.drivername == "postgresql":
            self._url = self._url.set(drivername="postgresql+psycopg")
        self._create = create
        self._opening = threading.Lock()
        self._engine: Engine | None = None
        self._file: tuple[int, int] | None = None

    def __str__(self) -> str:
        return self._url.render_as_string(hide_password=True)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection whose work is committed with the block's end.

        Raises:
            FeedbackUnavailable: the database cannot be used for now.
            DataError: it takes no such values.
        """
        try:
            with self._opened().begin() as connection:
                yield connection
        except DataError:
            raise
        except (DBAPIError, PoolTimeout, tables.OtherSchema) as error:
            reason = error.orig if isinstance(error, DBAPIError) else error
            raise FeedbackUnavailable(f"{self}: {reason}") from error

    def close(self) -> None:
        """Close all connections."""
        with self._opening:
            self._dispose()

    def _opened(self) -> Engine:
        with self._opening:
            # A file that was removed or replaced would still be written to, and nobody see it.
            if self._engine and self._file != _identity(self._url):
                _log.warning("feedback database %s was removed or replaced: opened anew", self)
                self._dispose()
            if self._engine is None:
                self._engine = self._open()
                self._file = _identity(self._url)
            return self._engine

    def _open(self) -> Engine:
        if self._url.get_backend_name() == "sqlite":
            if self._create:
                _create_private(self._url)
            elif not _identity(self._url):
                raise FeedbackUnavailable(f"{self}: there is no such file")
        engine = _engine_for(self._url)
        for attempt in range(1, _OPENING_ATTEMPTS + 1):
            try:
                with engine.begin() as connection:
                    (tables.create if self._create else tables.check)(connection)
            except BaseException as error:
                # Another process may be creating the tables just now.
                if attempt == _OPENING_ATTEMPTS or not isinstance(error, DBAPIError):
                    engine.dispose()
                    raise
                time.sleep(_OPENING_PAUSE_SECONDS)
            else:
                break
        return engine

    def _dispose(self) -> None:
        if self._engine:
            self._engine.dispose()
        self._engine = None


def _engine_for(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": _PATIENCE_SECONDS})
        # Readers and the writer do not wait for each other, and a commit not for the disk: what a
        # power cut costs are the last predictions, never the file.
        beginnings = ["PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL"]
    else:
        options = {"connect_timeout": _PATIENCE_SECONDS}
        engine = create_engine(url, connect_args=options, pool_pre_ping=True)
        beginnings = [f"SET statement_timeout = '{_PATIENCE_SECONDS}s'"]

    @event.listens_for(engine, "connect")
    def begin(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for statement in beginnings:
            cursor.execute(statement)
        cursor.close()
        connection.commit()

    return engine


def _create_private(url: URL) -> None:
    # What people write is not for everyone on the machine. Where it cannot be, SQLite says why.
    if url.database and not url.database.startswith("file:"):
        with contextlib.suppress(OSError):
            Path(url.database).touch(mode=0o600)


def _identity(url: URL) -> tuple[int, int] | None:
    """Which file it is; None for none, or where a server looks after it."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    try:
        found = Path(url.database).stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
