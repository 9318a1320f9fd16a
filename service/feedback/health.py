"""Whether the feedback database works: counted each time, said when it changes."""

import logging
from enum import StrEnum

from service.metrics import Metrics

_log = logging.getLogger(__name__)


class Operation(StrEnum):
    """What the database is wanted for."""

    KEEP = "keep"
    PRUNE = "prune"
    ANSWER = "answer"
    LIST = "list"


class Health:
    """Notes failures and successes; from any thread."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._failing: set[Operation] = set()

    def failed(self, operation: Operation, error: Exception) -> None:
        """The database could not be used."""
        self._metrics.feedback_failed(operation)
        if operation not in self._failing:
            self._failing.add(operation)
            _log.warning("feedback cannot %s for now, predictions go on: %s", operation, error)

    def worked(self, operation: Operation) -> None:
        """It could."""
        if operation in self._failing:
            self._failing.discard(operation)
            _log.info("feedback can %s again", operation)
