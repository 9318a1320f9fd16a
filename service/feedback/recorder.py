"""Records predictions, and takes right answers for them, beside the requests of one process."""

import asyncio
import contextlib
import logging
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from concurrent.futures import Future
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

import cv2

from service.errors import FeedbackUnavailable, UnknownPrediction
from service.feedback.records import AuditResult, Kind, Prediction, PredictionQuery, is_audit
from service.imaging import UnreadableImage, decode, reduced
from service.metrics import Metrics
from service.settings import Settings

if TYPE_CHECKING:
    # Requires the `feedback` extra.
    from sqlalchemy import RowMapping

    from service.feedback.store import Answered, Store

# How old a prediction is at most when it is written, as long as the database keeps up.
WRITE_SECONDS = 0.2
_PRUNE_SECONDS = 60.0  # and until an answer that another process took counts in the audit
_CLOSE_SECONDS = 3.0

# Predictions that wait while the database is slow or unavailable; later ones are dropped.
_MAX_PENDING_BYTES = 32 * 1024 * 1024
# Memory that one takes, without its picture.
_ROW_BYTES = 1024
# Pixels of the longer side of a page.
_PAGE_SIDE = 1600
# Rows in one transaction: other workers, and answers, write in between.
_MAX_ROWS = 64

# Requests that use the database at once; others wait for them.
_CONNECTIONS = 2
_MAX_WAITING = 64
# A request does not wait longer, whatever the database does.
_REQUEST_SECONDS = 5.0
# An unknown prediction is looked up again: its process may be about to write it.
_RETRY_SECONDS = (0.2, 0.3, 0.5)

_Result = TypeVar("_Result")

_log = logging.getLogger(__name__)


class Operation(StrEnum):
    """What the database is used for; a label of the metrics."""

    RECORD = "keep"
    PRUNE = "prune"
    ANSWER = "answer"
    LIST = "list"
    AUDIT = "audit"


class _Pending(NamedTuple):
    """A row to write, with the file that its page is in, if that is to be stored."""

    row: dict[str, Any]
    sent: bytes | None
    page: int

    @property
    def size(self) -> int:
        return _ROW_BYTES + len(self.row["image"] or b"") + len(self.sent or b"")

    def to_row(
        self, max_pixels: int, encoded: dict[tuple[int, int], bytes | None]
    ) -> dict[str, Any]:
        """Return the row with its page, from `encoded` if another row is of the same page."""
        if self.sent and self.row["page"] is None:
            key = id(self.sent), self.page
            if key not in encoded:
                encoded[key] = _to_jpeg(self.sent, self.page, max_pixels)
            self.row["page"] = encoded[key]
        return self.row


def _to_jpeg(sent: bytes, page: int, max_pixels: int) -> bytes | None:
    try:
        picture = decode(sent, max_pixels=max_pixels, whole=True, page=page)
    except UnreadableImage:
        # It was decoded before, but in another way: a document can take too long now.
        return None
    return cv2.imencode(".jpg", reduced(picture, _PAGE_SIDE))[1].tobytes()


class Recorder:
    """Records predictions in a store.

        async with Recorder(store, metrics, settings) as recorder:
            recorder.record("3f9c", None, [Prediction(0, None, reading)])
            await recorder.answer(PredictionQuery("3f9c"), Kind.DIGIT, "7", by=None)

    All threads are daemons: a database that hangs does not keep the process from ending.
    """

    def __init__(self, store: "Store", metrics: Metrics, settings: Settings) -> None:
        self._store = store
        self._metrics = metrics
        self._settings = settings
        self._failing: set[Operation] = set()
        self._pending: deque[_Pending] = deque()
        # Each is increased by one thread only; the difference is what is pending.
        self._recorded_bytes = self._written_bytes = 0
        self._audits: dict[tuple[str, str], AuditResult] = {}
        self._audits_changed = False
        self._closing = threading.Event()
        self._writer = threading.Thread(target=self._write_regularly, name="feedback", daemon=True)
        self._connections = threading.Semaphore(_CONNECTIONS)
        self._waiting = 0

    async def __aenter__(self) -> Self:
        self._writer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Write what is pending, as far as that works in a few seconds, and close the store."""
        self._closing.set()
        await asyncio.to_thread(self._writer.join, _CLOSE_SECONDS)
        if self._pending:
            _log.warning("%d predictions were not recorded", len(self._pending))

    def record(
        self, request_id: str, caller: str | None, predictions: Iterable[Prediction]
    ) -> None:
        """Record the predictions of a request at 2 us each. For one thread at a time.

        They are dropped and counted if the database does not keep up.
        """
        common = {"request_id": request_id, "caller": caller, "time": time.time()}
        for prediction in predictions:
            row = common | prediction.row(image=self._settings.feedback_images)
            pending = _Pending(row, None, prediction.page)
            if self._settings.feedback_pages and prediction.needs_review:
                with_page = pending._replace(sent=prediction.sent)
                pending = with_page if self._has_space(with_page) else pending
            if self._has_space(pending):
                self._recorded_bytes += pending.size
                self._pending.append(pending)
            else:
                self._metrics.feedback_predictions.labels("dropped").inc()

    def _has_space(self, pending: _Pending) -> bool:
        return self._recorded_bytes - self._written_bytes + pending.size <= _MAX_PENDING_BYTES

    async def answer(
        self, query: PredictionQuery, kind: Kind | None, answer: str | None, by: str | None
    ) -> "Answered":
        """Store the right answer for a prediction unless it has one, and count it, or skip it.

        Raises what `Store.answer` does.
        """
        work = partial(self._store.answer, query, kind, answer, by)
        answered = await self._run_until_known(Operation.ANSWER, work)
        if answered.is_new:
            row = answered.row
            outcome = "right" if row["read"] == row["answer"] else "wrong"
            outcome = "skipped" if row["skipped"] else outcome
            self._metrics.feedback.labels(row["model"], row["decision"], outcome).inc()
            self._audits_changed |= is_audit(row["reasons"])
        return answered

    def audit(self, model: str, version: str) -> AuditResult | None:
        """Return the result of the audit of a model; None if answers are not audited."""
        if not self._settings.audit_rate:
            return None
        known = self._audits.get((model, version))
        return known or AuditResult.of(model, version, days=self._audit_days, answers=0, errors=0)

    async def predictions(self, query: PredictionQuery) -> "Sequence[RowMapping]":
        """Return the predictions that match `query`, by their index in the request.

        Raises:
            UnknownPrediction: nothing matches.
            FeedbackUnavailable: the database cannot be used.
        """
        work = partial(self._store.predictions, query)
        return await self._run_until_known(Operation.LIST, work)

    async def use(self, work: "Callable[[Store], _Result]") -> _Result:
        """Return what `work` does with the store.

        Raises:
            FeedbackUnavailable: the database cannot be used.
        """
        return await self._run(Operation.LIST, partial(work, self._store))

    async def _run_until_known(self, operation: Operation, work: Callable[[], _Result]) -> _Result:
        for seconds in _RETRY_SECONDS:
            try:
                return await self._run(operation, work)
            except UnknownPrediction:
                await asyncio.sleep(seconds)
        return await self._run(operation, work)

    async def _run(self, operation: Operation, work: Callable[[], _Result]) -> _Result:
        if self._waiting >= _MAX_WAITING:
            raise FeedbackUnavailable("too many requests wait for the feedback database")
        self._waiting += 1
        try:
            async with asyncio.timeout(_REQUEST_SECONDS):
                result = await asyncio.wrap_future(self._start(work))
        except (FeedbackUnavailable, TimeoutError) as error:
            self._failed(operation, error)
            # The location of the database and its message are for the log only.
            raise FeedbackUnavailable(
                "the feedback database cannot be used for now; send the request again later"
            ) from error
        finally:
            self._waiting -= 1
        self._worked(operation)
        return result

    def _start(self, work: Callable[[], _Result]) -> "Future[_Result]":
        # Not in an executor: the interpreter waits at exit for its threads.
        future: Future[_Result] = Future()

        def run() -> None:
            if not self._connections.acquire(timeout=_REQUEST_SECONDS):
                return
            try:
                if future.set_running_or_notify_cancel():
                    future.set_result(work())
            except Exception as error:
                future.set_exception(error)
            finally:
                self._connections.release()

        threading.Thread(target=run, name="feedback", daemon=True).start()
        return future

    def _write_regularly(self) -> None:
        pruned = -_PRUNE_SECONDS
        while not self._closing.wait(WRITE_SECONDS):
            self._write()
            if time.monotonic() - pruned > _PRUNE_SECONDS:
                pruned = time.monotonic()
                self._prune()
                self._audits_changed = True
            if self._audits_changed:
                self._audits_changed = False
                self.count_audits()
        self._write()
        self._store.close()

    def _write(self) -> None:
        while self._pending:
            count = min(_MAX_ROWS, len(self._pending))
            pending = [self._pending[place] for place in range(count)]
            most, encoded = self._settings.max_pixels, dict[tuple[int, int], bytes | None]()
            try:
                self._store.add([each.to_row(most, encoded) for each in pending])
            except FeedbackUnavailable as error:
                self._failed(Operation.RECORD, error)
                return
            except Exception as error:
                # They would fail again and hold up all that follow.
                _log.exception("%d predictions cannot be recorded and are dropped", count)
                self._failed(Operation.RECORD, error)
                outcome = "dropped"
            else:
                self._worked(Operation.RECORD)
                outcome = "kept"
            self._metrics.feedback_predictions.labels(outcome).inc(count)
            for _ in pending:
                self._written_bytes += self._pending.popleft().size

    def _prune(self) -> None:
        days, rows = self._settings.feedback_days, self._settings.feedback_rows
        try:
            deleted = self._store.prune(days=days, rows=rows)
        except Exception as error:
            self._failed(Operation.PRUNE, error)
            return
        self._worked(Operation.PRUNE)
        if deleted:
            _log.info("deleted %d expired predictions", deleted)

    @property
    def _audit_days(self) -> float:
        return min(self._settings.audit_days, self._settings.feedback_days)

    def count_audits(self) -> None:
        """Count the answers to audited predictions; done regularly, and after each of them."""
        if not self._settings.audit_rate:
            return
        try:
            results = self._store.audits(self._audit_days)
        except Exception as error:
            self._failed(Operation.AUDIT, error)
            return
        self._worked(Operation.AUDIT)
        self._audits = {(each.model, each.version): each for each in results}
        self._metrics.audited(self.audit)

    def _failed(self, operation: Operation, error: Exception) -> None:
        self._metrics.feedback_failures.labels(operation).inc()
        if operation not in self._failing:
            self._failing.add(operation)
            reason = str(error) or f"no answer within {_REQUEST_SECONDS:g} s"
            _log.warning(
                "feedback cannot %s for now, predictions go on: %s", operation.name.lower(), reason
            )

    def _worked(self, operation: Operation) -> None:
        if operation in self._failing:
            self._failing.discard(operation)
            _log.info("feedback can %s again", operation.name.lower())


@contextlib.asynccontextmanager
async def open_recorder(settings: Settings, metrics: Metrics) -> AsyncIterator[Recorder | None]:
    """Open the recorder that `settings` ask for, if any, for the block."""
    if settings.feedback_url is None:
        yield None
        return
    from service.feedback.store import Store  # noqa: PLC0415 - requires the `feedback` extra

    store = Store(settings.feedback_url)
    metrics.expect_feedback(Operation)
    async with Recorder(store, metrics, settings) as recorder:
        if settings.audit_rate:
            metrics.max_error.labels("digit").set(settings.max_error)
            metrics.max_error.labels("field").set(settings.field_max_error)
            metrics.audited(recorder.audit)
        _log.info("recording predictions for feedback in %s", store)
        yield recorder
