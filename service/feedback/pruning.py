"""What was kept long enough, or is too much, goes."""

import math
import time
from typing import Any

from sqlalchemy import Column, ColumnElement, delete, func, select

from service.feedback.database import Database
from service.feedback.tables import predictions

# Rows that are deleted at once: others can write in between.
_MOST_DELETED = 5000
_DAY_SECONDS = 86_400.0

_columns = predictions.c


def prune(database: Database, *, days: float, rows: int) -> int:
    """Delete what is older than `days`, and the oldest unanswered past `rows`; how many.

    Raises:
        FeedbackUnavailable: the database cannot be used for now.
    """
    oldest = time.time() - days * _DAY_SECONDS
    deleted = _delete(database, _columns.time < oldest, _columns.time)
    with database.transaction() as connection:
        kept = connection.scalar(select(func.count()).select_from(predictions)) or 0
    unanswered = _columns.answered.is_(None)
    return deleted + _delete(database, unanswered, _columns.id, most=kept - rows)


def _delete(
    database: Database,
    condition: ColumnElement[bool],
    order: Column[Any],
    *,
    most: float = math.inf,
) -> int:
    deleted = 0
    while deleted < most:
        part = int(min(_MOST_DELETED, most - deleted))
        oldest = select(_columns.id).where(condition).order_by(order).limit(part)
        with database.transaction() as connection:
            gone = connection.execute(delete(predictions).where(_columns.id.in_(oldest)))
        deleted += gone.rowcount
        if gone.rowcount < part:
            break
    return deleted
