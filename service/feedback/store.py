"""The feedback database: predictions are added, found, answered, listed and pruned."""

import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeVar

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from models.manifest import IMAGE_SIDE
from models.strips import HEIGHT
from service.errors import AnsweredOtherwise, FeedbackUnavailable, InvalidRequest, UnknownPrediction
from service.feedback.connections import connect, file_id, is_sqlite
from service.feedback.records import AuditResult, Kind, PredictionQuery, is_audit, stored_id
from service.feedback.tables import OtherSchema, audits, is_open_review, predictions, prepare

_OPEN_ATTEMPTS = 3
_OPEN_PAUSE_SECONDS = 0.1

# Rows deleted in one transaction: others can write in between.
_MAX_DELETED = 5000

# A stream may have recorded any number of images under one request id.
_MAX_COMPARED = 100
_MAX_LISTED = 1000

_columns = predictions.c
_without_image = sa.select(
    *(column for column in _columns if column not in {_columns.image, _columns.page}),
    _columns.image.is_not(None).label("has_image"),
    _columns.page.is_not(None).label("has_page"),
)

# What `labelled_digits` returns: the newer columns are missing in a database that is only read.
_LABELLED = (
    *("id", "request_id", "place", "model", "version", "read", "confidence", "decision"),
    *("image", "answer", "answered"),
)

_Found = TypeVar("_Found")

_log = logging.getLogger(__name__)


class Answered(NamedTuple):
    """A prediction with its right answer; `is_new` if it had none before."""

    row: sa.RowMapping
    is_new: bool


class Claimed(NamedTuple):
    """Reviews that are shown to one person alone, the oldest first; `waiting` counts all."""

    rows: Sequence[sa.RowMapping]
    waiting: int


class Store:
    """A feedback database in SQLite or PostgreSQL.

        store = Store("sqlite:///feedback.db")
        store.answer(PredictionQuery("3f9c"), Kind.DIGIT, "7", by=None)

    It is opened at the first use, and reopened if its file was replaced. Threads may share it. All
    methods raise `FeedbackUnavailable` if the database cannot be used.
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        """Prepare to open `url`; without `create`, only an existing database."""
        self._url = sa.make_url(url)
        if self._url.drivername == "postgresql":
            self._url = self._url.set(drivername="postgresql+psycopg")
        self._create = create
        self._opening = threading.Lock()
        self._engine: sa.Engine | None = None
        self._file: tuple[int, int] | None = None

    def __str__(self) -> str:
        return self._url.render_as_string(hide_password=True)

    def add(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Add predictions; raise `DataError` if the database does not accept the values."""
        with self.transaction() as connection:
            connection.execute(sa.insert(predictions), list(rows))

    def answer(
        self, query: PredictionQuery, kind: Kind | None, answer: str | None, by: str | None
    ) -> Answered:
        """Store the right answer for a prediction unless it has one; without `kind`, skip it.

        The page around it is deleted.

        Raises:
            UnknownPrediction: nothing matches `query`.
            InvalidRequest: several predictions match, or the prediction is of another kind.
            AnsweredOtherwise: it has another right answer.
        """
        with self.transaction() as connection:
            row = _find(connection, query)
            if kind not in {None, row["kind"]}:
                raise InvalidRequest.of("body", f"the prediction is a {row['kind']}, not a {kind}")
            is_this = _columns.id == row["id"]
            skipped = None if kind else 1
            given = {"answer": answer, "answered": time.time(), "answered_by": by}
            given |= {"skipped": skipped, "page": None}
            changed = connection.execute(
                sa.update(predictions).where(is_this, _columns.answered.is_(None)).values(given)
            )
            row = connection.execute(_without_image.where(is_this)).mappings().one()
            if (row["answer"], row["skipped"]) != (answer, skipped):
                raise AnsweredOtherwise("the prediction has another right answer; the first stays")
            is_new = changed.rowcount == 1
            if is_new and kind and is_audit(row["reasons"]):
                audit = {name: row[name] for name in ("id", "answered", "model", "version")}
                is_error = int(row["read"] != row["answer"])
                connection.execute(sa.insert(audits), audit | {"is_error": is_error})
            return Answered(row, is_new=is_new)

    def audits(self, days: float) -> list[AuditResult]:
        """Return what the answers of the last `days` say of each audited model and version."""
        of_model = audits.c.model, audits.c.version
        counts = sa.select(*of_model, sa.func.count(), sa.func.sum(audits.c.is_error))
        is_recent = audits.c.answered > time.time() - 86_400 * days
        recent = counts.where(is_recent).group_by(*of_model)
        with self.transaction() as connection:
            rows = connection.execute(recent).all()
        return [
            AuditResult.of(model, version, days=days, answers=answers, errors=errors)
            for model, version, answers, errors in rows
        ]

    def reviews(self, limit: int) -> Sequence[sa.RowMapping]:
        """Return the newest predictions to review that have no right answer."""
        wanted = _without_image.where(is_open_review).order_by(_columns.id.desc()).limit(limit)
        with self.transaction() as connection:
            return connection.execute(wanted).mappings().all()

    def claim(self, by: str, *, limit: int, seconds: float) -> Claimed:
        """Claim the oldest reviews for `by`, those of an earlier claim of its own included.

        Nobody else gets them for `seconds`.
        """
        now = time.time()
        is_free = sa.or_(
            _columns.claimed_until.is_(None),
            _columns.claimed_until < now,
            _columns.claimed_by == by,
        )
        free = sa.select(_columns.id).where(is_open_review, is_free)
        oldest = free.order_by(_columns.id).limit(limit)
        # PostgreSQL: without the lock, two claims at once could update the same rows in turn; as a
        # common table expression, the selection runs once. SQLite has one writer at a time.
        chosen = oldest.with_for_update(skip_locked=True).cte("chosen")
        claimed = (
            sa.update(predictions)
            .where(_columns.id.in_(sa.select(chosen.c.id)))
            .values(claimed_by=by, claimed_until=now + seconds)
            .returning(_columns.id)
        )
        waiting = sa.select(sa.func.count()).select_from(predictions).where(is_open_review)
        with self.transaction() as connection:
            # Not from RETURNING: in SQLite 3.40, IS NOT NULL is always true there.
            is_claimed = _columns.id.in_(connection.scalars(claimed).all())
            rows = connection.execute(_without_image.where(is_claimed).order_by(_columns.id))
            return Claimed(rows.mappings().all(), connection.scalar(waiting) or 0)

    def delete(self, query: PredictionQuery) -> None:
        """Delete the predictions that match `query`, with their pictures and answers.

        Raises:
            UnknownPrediction: nothing matches.
        """
        with self.transaction() as connection:
            gone = connection.execute(sa.delete(predictions).where(*_matches(query)))
        _required(range(gone.rowcount))

    def predictions(self, query: PredictionQuery) -> Sequence[sa.RowMapping]:
        """Return the predictions that match `query`, by their index in the request.

        Raises:
            UnknownPrediction: nothing matches.
        """
        wanted = _without_image.where(*_matches(query)).order_by(_columns.place, _columns.id)
        with self.transaction() as connection:
            found = connection.execute(wanted.limit(_MAX_LISTED)).mappings().all()
        return _required(found)

    def page(self, number: int) -> bytes:
        """Return the picture that was sent for the prediction `number`, a JPEG.

        Raises:
            UnknownPrediction: there is no such prediction, or the picture is not stored.
        """
        return bytes(self._stored(_columns.page, number, "page"))

    def picture(self, number: int) -> NDArray[np.uint8]:
        """Return the model's input for the prediction `number`, uint8 [height, width].

        Raises:
            UnknownPrediction: there is no such prediction, or its picture is not stored.
        """
        return pixels_of(self._stored(_columns.image, number, "picture"))

    def _stored(self, column: sa.Column[Any], number: int, what: str) -> Any:  # noqa: ANN401
        with self.transaction() as connection:
            stored = connection.scalar(sa.select(column).where(_columns.id == number))
        if stored is None:
            raise UnknownPrediction(f"no {what} is stored under this number")
        return stored

    def labelled_digits(self) -> Sequence[sa.RowMapping]:
        """Return every digit with picture and right answer, in the order of the answers."""
        wanted = (
            sa.select(*(_columns[name] for name in _LABELLED))
            .where(
                _columns.kind == Kind.DIGIT.value,
                _columns.image.is_not(None),
                _columns.answered.is_not(None),
            )
            .order_by(_columns.answered, _columns.id)
        )
        with self.transaction() as connection:
            return connection.execute(wanted).mappings().all()

    def prune(self, *, days: float, rows: int) -> int:
        """Delete predictions older than `days`, and the oldest unanswered ones beyond `rows`.

        Returns how many were deleted.
        """
        oldest = time.time() - 86_400 * days
        with self.transaction() as connection:
            connection.execute(sa.delete(audits).where(audits.c.answered < oldest))
        is_expired = _columns.time < oldest
        deleted = self._delete(is_expired, _columns.time, keep=0)
        return deleted + self._delete(_columns.answered.is_(None), _columns.id, keep=rows)

    def close(self) -> None:
        """Close all connections."""
        with self._opening:
            self._dispose()

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """Yield a connection; commit at the end of the block.

        Raises:
            FeedbackUnavailable: the database cannot be used.
            DataError: it does not accept the values.
        """
        try:
            with self._opened().begin() as connection:
                yield connection
        except DataError:
            raise
        except (DBAPIError, PoolTimeout, OtherSchema) as error:
            reason = error.orig if isinstance(error, DBAPIError) else error
            raise FeedbackUnavailable(f"{self}: {reason}") from error

    def _delete(
        self, condition: sa.ColumnElement[bool], order: sa.Column[Any], *, keep: int
    ) -> int:
        """Delete the first rows that match, as long as the table has more than `keep`."""
        total = sa.select(sa.func.count()).select_from(predictions)
        deleted = 0
        while True:
            with self.transaction() as connection:
                excess = (connection.scalar(total) or 0) - keep
                batch = max(0, min(_MAX_DELETED, excess))
                oldest = sa.select(_columns.id).where(condition).order_by(order).limit(batch)
                gone = connection.execute(sa.delete(predictions).where(_columns.id.in_(oldest)))
            deleted += gone.rowcount
            if gone.rowcount < _MAX_DELETED:
                return deleted

    def _opened(self) -> sa.Engine:
        with self._opening:
            # A removed file would still accept writes that nobody can read.
            if self._engine and self._file != file_id(self._url):
                _log.warning("feedback database %s was removed or replaced; reopening it", self)
                self._dispose()
            if self._engine is None:
                self._engine = self._open()
                self._file = file_id(self._url)
            return self._engine

    def _open(self, attempts: int = _OPEN_ATTEMPTS) -> sa.Engine:
        in_file = is_sqlite(self._url)
        if in_file and not self._create and not file_id(self._url):
            raise FeedbackUnavailable(f"{self}: there is no such file")
        engine = connect(self._url)
        try:
            with engine.begin() as connection:
                prepare(connection, create=self._create)
        except DBAPIError as error:
            engine.dispose()
            # Another process may be creating the tables at the same time. A server that cannot be
            # reached is not tried again.
            if attempts == 1 or (isinstance(error, OperationalError) and not in_file):
                raise
            time.sleep(_OPEN_PAUSE_SECONDS)
            return self._open(attempts - 1)
        except OtherSchema:
            engine.dispose()
            raise
        return engine

    def _dispose(self) -> None:
        if self._engine:
            self._engine.dispose()
        self._engine = None


def pixels_of(image: bytes) -> NDArray[np.uint8]:
    """Return a stored picture as uint8 [height, width]: a digit of 28 x 28, or a strip."""
    rows = IMAGE_SIDE if len(image) == IMAGE_SIDE**2 else HEIGHT
    return np.frombuffer(image, np.uint8).reshape(rows, -1)


def _find(connection: sa.Connection, query: PredictionQuery) -> sa.RowMapping:
    wanted = sa.select(_columns.id, _columns.place, _columns.caller, _columns.kind)
    newest_first = wanted.where(*_matches(query)).order_by(_columns.id.desc()).limit(_MAX_COMPARED)
    found = _required(connection.execute(newest_first).mappings().all())
    if len({row["place"] for row in found}) > 1:
        raise InvalidRequest.of("body", "the request has several predictions; add index, or its id")
    if len({row["caller"] for row in found}) > 1:
        raise InvalidRequest.of("body", "several keys used this request id; add caller")
    # A client that reuses a request id means the later request.
    return found[0]


def _matches(query: PredictionQuery) -> Iterator[sa.ColumnElement[bool]]:
    yield _columns.request_id == query.request_id
    if query.caller is not None or not query.any_caller:
        yield _columns.caller.is_not_distinct_from(query.caller)
    if query.number is not None:
        yield _columns.id == query.number
    if query.index is not None:
        yield _columns.place == query.index
    if query.item_id is not None:
        yield _columns.item_id == stored_id(query.item_id)


def _required(found: Sequence[_Found]) -> Sequence[_Found]:
    if not found:
        raise UnknownPrediction(
            "no prediction matches; it may have expired, or X-Request-ID is another"
        )
    return found
