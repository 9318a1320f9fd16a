"""What was read and what was right, for the requests of one process."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import RowMapping

from service.errors import FeedbackUnavailable, UnknownPrediction
from service.feedback.database import Database
from service.feedback.health import Health, Operation
from service.feedback.notes import Kind
from service.feedback.question import Question
from service.feedback.store import Answered, Store
from service.feedback.writer import Writer
from service.metrics import Metrics

# Beside the threads that answers are written in: a locked database must hold up none of them.
_THREADS = 2
_MOST_WAITING = 64

# A prediction is asked for again so often before it is unknown: another process, or this one, may
# be about to write it.
_PAUSES_SECONDS = (0.2, 0.3, 0.5)

_Result = TypeVar("_Result")


class Ledger:
    """Keeps predictions, and takes the right answers for them later.

        async with Ledger(Database(url), metrics, images=False, days=90, rows=10**6) as ledger:
            ledger.note(note)
            await ledger.answer(Question("3f9c"), Kind.DIGIT, "7", by=None)

    Attributes:
        note: call it with the `Note` of an answer; it costs an append. Where the database does not
            keep up notes are dropped and counted.
    """

    def __init__(
        self, database: Database, metrics: Metrics, *, images: bool, days: float, rows: int
    ) -> None:
        self._database = database
        self._metrics = metrics
        self._health = Health(metrics)
        self._store = Store(database)
        self._writer = Writer(
            self._store, metrics, self._health, images=images, days=days, rows=rows
        )
        self._threads = ThreadPoolExecutor(_THREADS, "feedback")
        self._waiting = 0
        self.note = self._writer.note

    async def __aenter__(self) -> Self:
        self._writer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._writer.close)

    async def answer(
        self, question: Question, kind: Kind, answer: str | None, by: str | None
    ) -> Answered:
        """Keep the right answer for a prediction, the first that is given, and count it.

        Raises:
            UnknownPrediction, AmbiguousPrediction, OtherKind, AnsweredOtherwise: as
                `Store.answer` says.
            FeedbackUnavailable: the database cannot be used for now.
        """
        work = partial(self._store.answer, question, kind, answer, by)
        for pause in _PAUSES_SECONDS:
            try:
                answered = await self._carry_out(Operation.ANSWER, work)
                break
            except UnknownPrediction:
                await asyncio.sleep(pause)
        else:
            answered = await self._carry_out(Operation.ANSWER, work)
        if answered.is_new:
            row = answered.row
            outcome = "right" if row["read"] == row["answer"] else "wrong"
            self._metrics.feedback(row["model"], row["decision"], outcome)
        return answered

    async def reviews(self, limit: int) -> Sequence[RowMapping]:
        """The newest predictions that a person is to look at and nobody has answered.

        Raises:
            FeedbackUnavailable: the database cannot be used for now.
        """
        return await self._carry_out(Operation.LIST, partial(self._store.reviews, limit))

    async def picture(self, number: int) -> NDArray[np.uint8]:
        """What the model was shown of the prediction of this number, [height, width].

        Raises:
            UnknownPrediction: there is no such prediction, or its picture is not kept.
            FeedbackUnavailable: the database cannot be used for now.
        """
        return await self._carry_out(Operation.LIST, partial(self._store.picture, number))

    async def _carry_out(self, operation: Operation, work: Callable[[], _Result]) -> _Result:
        if self._waiting >= _MOST_WAITING:
            raise FeedbackUnavailable("too much waits for the feedback database")
        self._waiting += 1
        try:
            result = await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except FeedbackUnavailable as error:
            self._health.failed(operation, error)
            # Where it is and what it says is for the log alone.
            raise FeedbackUnavailable(
                "the feedback database cannot be used for now; send it again later"
            ) from error
        finally:
            self._waiting -= 1
        self._health.worked(operation)
        return result
