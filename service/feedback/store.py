"""What is kept of predictions: written, found again, answered, listed, and dropped in time."""

import time
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    Connection,
    RowMapping,
    insert,
    select,
    update,
)

from models.strips import HEIGHT
from service.errors import AnsweredOtherwise, UnknownPrediction
from service.feedback.database import Database
from service.feedback.errors import AmbiguousPrediction, OtherKind
from service.feedback.notes import Kind, key_of
from service.feedback.pruning import prune
from service.feedback.question import Question
from service.feedback.tables import is_open_review, predictions

# A stream may have answered any number of images under one request id.
_MOST_COMPARED = 100

_SIDE = 28

_columns = predictions.c
_but_image = [column for column in _columns if column is not _columns.image]
_has_image = _columns.image.is_not(None).label("has_image")


class Answered(NamedTuple):
    """A prediction that is known to be right or wrong; `is_new`: not before now."""

    row: RowMapping
    is_new: bool


class Store:
    """The feedback database, for one thing at a time in any thread.

    Every method raises `FeedbackUnavailable` where the database cannot be used.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, rows: Sequence[Mapping[str, object]]) -> None:
        """Keep predictions.

        Raises:
            DataError: the database takes no such values.
        """
        with self._database.transaction() as connection:
            connection.execute(insert(predictions), list(rows))

    def answer(
        self, question: Question, kind: Kind, answer: str | None, by: str | None
    ) -> Answered:
        """Keep the right answer for a prediction, the first that is given.

        Raises:
            UnknownPrediction: there is none.
            AmbiguousPrediction: there are several.
            OtherKind: it is not of this kind.
            AnsweredOtherwise: it has another right answer.
        """
        with self._database.transaction() as connection:
            row = _find(connection, question)
            if row["kind"] != kind:
                raise OtherKind(f"what was read is a {row['kind']}, and the answer a {kind}'s")
            is_this = _columns.id == row["id"]
            given = {"answer": answer, "answered": time.time(), "answered_by": by}
            changed = connection.execute(
                update(predictions).where(is_this, _columns.answered.is_(None)).values(given)
            )
            row = connection.execute(_rows().where(is_this)).mappings().one()
            if row["answer"] != answer:
                raise AnsweredOtherwise(
                    "another right answer was given before; the first one stays"
                )
            return Answered(row, is_new=changed.rowcount == 1)

    def reviews(self, limit: int) -> Sequence[RowMapping]:
        """The newest predictions that a person is to look at and nobody has answered."""
        wanted = _rows().where(is_open_review).order_by(_columns.id.desc()).limit(limit)
        with self._database.transaction() as connection:
            return connection.execute(wanted).mappings().all()

    def picture(self, number: int) -> NDArray[np.uint8]:
        """What the model was shown of the prediction of this number, [height, width].

        Raises:
            UnknownPrediction: there is no such prediction, or its picture is not kept.
        """
        with self._database.transaction() as connection:
            image = connection.scalar(select(_columns.image).where(_columns.id == number))
        if image is None:
            raise UnknownPrediction("no picture is kept under this number")
        return pixels_of(image)

    def prune(self, *, days: float, rows: int) -> int:
        """Delete what was kept long enough, as `service.feedback.pruning.prune` says."""
        return prune(self._database, days=days, rows=rows)

    def close(self) -> None:
        """Close the connections to the database."""
        self._database.close()

    def labelled_digits(self) -> Sequence[RowMapping]:
        """Every digit with picture and right answer, in the order in which they were answered."""
        wanted = (
            select(predictions)
            .where(
                _columns.kind == Kind.DIGIT.value,
                _columns.image.is_not(None),
                _columns.answered.is_not(None),
            )
            .order_by(_columns.answered, _columns.id)
        )
        with self._database.transaction() as connection:
            return connection.execute(wanted).mappings().all()


def pixels_of(image: bytes) -> NDArray[np.uint8]:
    """A kept picture as uint8 [height, width]: a digit's of 28 x 28, or a strip of 40 rows."""
    rows = _SIDE if len(image) == _SIDE**2 else HEIGHT
    return np.frombuffer(image, np.uint8).reshape(rows, -1)


def _rows() -> Any:  # noqa: ANN401 - a select of so many columns has no type of its own
    return select(*_but_image, _has_image)


def _find(connection: Connection, question: Question) -> RowMapping:
    wanted = select(_columns.id, _columns.place, _columns.caller, _columns.kind).where(
        _columns.request_id == question.request_id
    )
    if question.caller is not None or not question.anyone:
        wanted = wanted.where(_columns.caller.is_not_distinct_from(question.caller))
    if question.place is not None:
        wanted = wanted.where(_columns.place == question.place)
    if question.item_id is not None:
        wanted = wanted.where(_columns.item_id == key_of(question.item_id))
    # A caller that sends the same request id again means the later request.
    newest_first = (
        connection.execute(wanted.order_by(_columns.id.desc()).limit(_MOST_COMPARED))
        .mappings()
        .all()
    )
    if not newest_first:
        raise UnknownPrediction(
            "no such prediction of yours is kept; its time may be over, or X-Request-ID another"
        )
    if len({row["place"] for row in newest_first}) > 1:
        raise AmbiguousPrediction("the request has several predictions; add index, or its id")
    if len({row["caller"] for row in newest_first}) > 1:
        raise AmbiguousPrediction("several keys used this request id; add caller")
    return newest_first[0]
