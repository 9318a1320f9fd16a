"""Writes what was noted into the database, in a thread and in batches; nobody waits for it."""

import logging
import threading
import time
from collections import deque
from collections.abc import Mapping

from service.errors import FeedbackUnavailable
from service.feedback.health import Health, Operation
from service.feedback.notes import Note, rows_of
from service.feedback.store import Store
from service.metrics import Metrics

# How old a note is at most when it is written, as long as the database keeps up.
WRITING_SECONDS = 0.2

_PRUNING_SECONDS = 60.0
_CLOSING_SECONDS = 3.0

# What waits while the database is slow or away; what comes then is dropped.
_MOST_BYTES = 32 * 1024 * 1024

# In one transaction: other workers, and this one's answers, come in between.
_MOST_ROWS = 64

# Python lets one thread run at a time, and takes 5 ms to take it away from one that goes on.
_ROWS_AT_A_TIME = 32
_BREATH_SECONDS = 0.0002

_log = logging.getLogger(__name__)


class Writer:
    """Keeps notes until they are written, or drops them where too many wait.

        writer.start()
        writer.note(note)
        writer.close()

    Notes come from one thread.
    """

    def __init__(
        self,
        store: Store,
        metrics: Metrics,
        health: Health,
        *,
        images: bool,
        days: float,
        rows: int,
    ) -> None:
        """Keep `images` too or not, and all of it for so many `days` and `rows`."""
        self._store = store
        self._metrics = metrics
        self._health = health
        self._images = images
        self._days = days
        self._rows = rows
        self._waiting: deque[Note] = deque()
        # Each is counted up by one thread alone: what waits is the difference.
        self._noted = self._written = 0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feedback", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def note(self, note: Note) -> None:
        """Keep `note` until it is written."""
        size = note.size
        waiting = self._noted - self._written
        # Where nothing waits anything fits: a large batch would never.
        if waiting and waiting + size > _MOST_BYTES:
            self._metrics.recorded("dropped", len(note.readings))
            return
        self._noted += size
        self._waiting.append(note)

    def close(self) -> None:
        """Write what waits, as far as that goes in a few seconds, and close the store."""
        self._closing.set()
        self._thread.join(_CLOSING_SECONDS)
        if self._waiting:
            _log.warning("the last %d notes of predictions were not kept", len(self._waiting))

    def _run(self) -> None:
        pruned = -_PRUNING_SECONDS
        while not self._closing.wait(WRITING_SECONDS):
            self._write()
            if time.monotonic() - pruned > _PRUNING_SECONDS:
                pruned = time.monotonic()
                self._prune()
        self._write()
        self._store.close()

    def _write(self) -> None:
        while self._waiting:
            rows: list[Mapping[str, object]] = []
            notes = size = 0
            while notes < len(self._waiting) and len(rows) < _MOST_ROWS:
                note = self._waiting[notes]
                self._add_rows(note, rows)
                notes += 1
                size += note.size
            try:
                self._store.add(rows)
            except FeedbackUnavailable as error:
                self._health.failed(Operation.KEEP, error)
                return
            except Exception as error:
                # They would fail again, and hold up all that follow.
                _log.exception("%d predictions cannot be kept and are dropped", len(rows))
                self._health.failed(Operation.KEEP, error)
                self._metrics.recorded("dropped", len(rows))
            else:
                self._health.worked(Operation.KEEP)
                self._metrics.recorded("kept", len(rows))
            for _ in range(notes):
                self._waiting.popleft()
            self._written += size

    def _add_rows(self, note: Note, rows: list[Mapping[str, object]]) -> None:
        for row in rows_of(note, images=self._images):
            rows.append(row)
            if len(rows) % _ROWS_AT_A_TIME == 0:
                time.sleep(_BREATH_SECONDS)

    def _prune(self) -> None:
        try:
            deleted = self._store.prune(days=self._days, rows=self._rows)
        except FeedbackUnavailable as error:
            self._health.failed(Operation.PRUNE, error)
            return
        self._health.worked(Operation.PRUNE)
        if deleted:
            _log.info("%d predictions were kept long enough and are deleted", deleted)
