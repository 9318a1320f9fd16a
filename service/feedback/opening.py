"""The ledger of a process, if its settings want one."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from service.feedback.health import Operation
from service.metrics import Metrics
from service.settings import Settings

if TYPE_CHECKING:
    from service.feedback.ledger import Ledger

_log = logging.getLogger(__name__)


@asynccontextmanager
async def open_ledger(settings: Settings, metrics: Metrics) -> AsyncIterator["Ledger | None"]:
    """The ledger that `settings` ask for, if any, as long as the block lasts."""
    if settings.feedback_url is None:
        yield None
        return
    # They want the extra feedback, and megabytes.
    from service.feedback.database import Database  # noqa: PLC0415
    from service.feedback.ledger import Ledger  # noqa: PLC0415

    database = Database(settings.feedback_url)
    metrics.expect_feedback(Operation)
    async with Ledger(
        database,
        metrics,
        images=settings.feedback_images,
        days=settings.feedback_days,
        rows=settings.feedback_rows,
    ) as ledger:
        _log.info("what is read is kept for feedback in %s", database)
        yield ledger
