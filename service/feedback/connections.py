"""Connections to the feedback database; none waits long for it."""

import contextlib
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

# How long to wait for another process that writes, and for a server to connect or to answer.
_TIMEOUT_SECONDS = 2
# A server that is stopped, or behind a broken network, does not enforce its own timeout.
_CLIENT_TIMEOUT_SECONDS = 3


def open_sqlite(url: URL) -> Engine:
    """Connect to the SQLite file at `url`; create it if it is missing."""
    _create_private(url)
    engine = create_engine(url, connect_args={"timeout": _TIMEOUT_SECONDS})
    # Readers and the writer do not block each other, and a commit does not wait for the disk: a
    # power failure costs the last predictions, never the file.
    _run_on_connect(engine, "PRAGMA journal_mode = WAL", "PRAGMA synchronous = NORMAL")
    return engine


def open_postgres(url: URL) -> Engine:
    """Connect to the PostgreSQL server at `url`, with a limit on every wait."""
    import psycopg  # noqa: PLC0415 - the extra postgres
    from psycopg.pq import TransactionStatus  # noqa: PLC0415

    class BoundedConnection(psycopg.Connection[Any]):
        """A connection that gives up a server that does not answer."""

        def wait(self, gen: Any, interval: float = 0.1, timeout: float | None = None) -> Any:  # noqa: ANN401
            try:
                return super().wait(gen, interval, timeout or _CLIENT_TIMEOUT_SECONDS)
            except psycopg.OperationalError:
                if self.pgconn.transaction_status == TransactionStatus.ACTIVE:
                    self.close()
                raise

    milliseconds = 1000 * _CLIENT_TIMEOUT_SECONDS
    engine = create_engine(
        url,
        pool_pre_ping=True,
        pool_timeout=_TIMEOUT_SECONDS,
        connect_args={
            "connect_timeout": _TIMEOUT_SECONDS,
            # For a server whose machine is gone.
            "tcp_user_timeout": milliseconds,
            "keepalives_idle": _TIMEOUT_SECONDS,
            "keepalives_interval": 1,
            "keepalives_count": _CLIENT_TIMEOUT_SECONDS,
        },
    )

    @event.listens_for(engine, "do_connect")
    def connect(_dialect: object, _entry: object, arguments: Any, options: Any) -> Any:  # noqa: ANN401
        return BoundedConnection.connect(*arguments, **options)

    _run_on_connect(engine, f"SET statement_timeout = '{_TIMEOUT_SECONDS}s'")
    return engine


def _run_on_connect(engine: Engine, *statements: str) -> None:
    @event.listens_for(engine, "connect")
    def run(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        for statement in statements:
            cursor.execute(statement)
        cursor.close()
        connection.commit()


def _create_private(url: URL) -> None:
    # What people wrote is private. If the file cannot be created, SQLite reports why.
    if url.database and not url.database.startswith("file:"):
        with contextlib.suppress(OSError):
            Path(url.database).touch(mode=0o600)


def file_id(url: URL) -> tuple[int, int] | None:
    """Identify the database file; None if there is none."""
    if url.get_backend_name() != "sqlite" or not url.database:
        return None
    try:
        status = Path(url.database).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino
