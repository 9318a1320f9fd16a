"""A task to rows: all of the work, in one call that needs nothing around it."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from pydantic import BaseModel, ConfigDict

from models.manifest import ModelCard
from models.reader_card import ReaderCard
from service.api.responses import field, prediction
from service.imaging import UnreadableImage
from service.inference.decisions import Decision
from service.inference.digits import DigitPipeline, Reading
from service.inference.fields import FieldPipeline, FieldReading, Pipeline
from service.inference.sessions import (
    LARGEST_MICRO_BATCH,
    Classifier,
    Reader,
    open_classifier,
    open_reader,
)
from service.scoring.pieces import Item, Unread

if TYPE_CHECKING:
    from service.scoring.forms import FormMethod

# Values by the names of the columns.
Row = Mapping[str, Any]


class Column(NamedTuple):
    """A column of the table: its name, its Arrow type, and what it holds.

    A missing value is null, and an empty cell in CSV, where lists are written as JSON.
    """

    name: str
    type: str
    about: str


_PLACE = (
    Column("source", "string", "the file, archive, array or table, as it was named or found"),
    Column(
        "member", "string", "the name in the archive, or the number in the array or table, from 0"
    ),
    Column("model", "string", "the model that answered"),
    Column("version", "string", "the model's version"),
)
_JUDGEMENT = (
    Column("confidence", "float32", "the probability that the reading is right"),
    Column("decision", "string", "`accept`, or `review` when a person should look"),
    Column("reasons", "list<string>", "why it needs review; empty when accepted"),
)
ERROR = (
    Column("error", "string", "why it could not be read, as a stable word; null when it was read"),
    Column("detail", "string", "the same in a sentence"),
)


@dataclass(frozen=True)
class Method:
    """How pictures are read: a pipeline that can be sent to another process or machine."""

    directory: Path  # the folder of the model
    card: ModelCard | ReaderCard
    options: tuple[Any, ...]  # the arguments of the pipeline after the model

    columns: ClassVar[tuple[Column, ...]]  # of the results
    task_size: ClassVar[int]  # pictures that are a tenth of a second's work, or more
    all_pages: ClassVar[bool] = False

    @property
    def cards(self) -> tuple[ModelCard | ReaderCard, ...]:
        """The card of the model."""
        return (self.card,)

    @property
    def identity(self) -> dict[str, str]:
        """What rows have of the model."""
        return {"model": self.card.name, "version": self.card.version}

    @staticmethod
    def of(pipeline: Pipeline, directory: Path) -> "Method":
        """Read as `pipeline` does, whose model is in `directory`."""
        kind: type[Method] = Digits
        if isinstance(pipeline, FieldPipeline):
            kind = Fields if pipeline.notation.format is None else FormattedFields
        model, *options = (getattr(pipeline, each.name) for each in fields(pipeline))
        return kind(directory, model.card, tuple(options))

    def load(self) -> Classifier | Reader:
        """Load the model.

        Raises:
            ModelFileError, UnusableModel: it cannot be used any more.
        """
        if isinstance(self.card, ModelCard):
            return open_classifier(self.directory, self.card)
        return open_reader(self.directory, self.card)

    def open(self, model: Classifier | Reader | None = None) -> Pipeline:
        """Return the pipeline, with `model` or a newly loaded one; raises what `load` does."""
        model = model or self.load()
        if isinstance(model, Classifier):
            return DigitPipeline(model, *self.options)
        return FieldPipeline(model, *self.options)

    def row(self, reading: Reading | FieldReading) -> dict[str, Any]:
        """Return the row of a picture, without its place."""
        if isinstance(reading, Reading):
            return prediction(reading)
        row, value = field(reading), reading.answer.value
        known = reading.answer.format is not None
        return row | ({"value": None if value is None else str(value)} if known else {})


class Digits(Method):
    """How single digits are read."""

    columns = (
        *_PLACE,
        Column("digit", "int8", "0 to 9; null when nothing is written"),
        *_JUDGEMENT,
        Column("probabilities", "list<float32>", "of the digits 0 to 9"),
        *ERROR,
    )
    task_size = 128


class Fields(Method):
    """How fields are read."""

    columns: ClassVar[tuple[Column, ...]] = (
        *_PLACE,
        Column("text", "string", "the digits; null when none could be read"),
        Column("raw", "string", "the same with the other symbols"),
        *_JUDGEMENT,
        Column(
            "digits",
            "list<struct<digit: int8, confidence: float32, box: list<int32>>>",
            "each digit, with its box [x, y, width, height] in pixels",
        ),
        Column(
            "alternatives",
            "list<struct<text: string, confidence: float32>>",
            "other texts, the most likely first",
        ),
        *ERROR,
    )
    task_size = 16


class FormattedFields(Fields):
    """How fields are read whose meaning is known."""

    columns = (
        *Fields.columns,
        Column(
            "value",
            "string",
            "the amount as `125.75`, the date as `2026-03-26`, or the digits of the ZIP code; null"
            " when it is none, or ambiguous",
        ),
    )


class Tally(BaseModel):
    """How many pictures were accepted, need review (and why), or could not be read (and why)."""

    model_config = ConfigDict(frozen=True)

    accepted: int = 0
    reviewed: int = 0
    reasons: Counter[str] = Counter()
    failed: Counter[str] = Counter()

    @property
    def pictures(self) -> int:
        """All of them."""
        return self.accepted + self.reviewed + self.failed.total()

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            accepted=self.accepted + other.accepted,
            reviewed=self.reviewed + other.reviewed,
            reasons=self.reasons + other.reasons,
            failed=self.failed + other.failed,
        )


def tally_of(rows: Iterable[Row]) -> Tally:
    """Count `rows`."""
    decisions: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for row in rows:
        if row["error"] is None:
            decisions[row["decision"]] += 1
            reasons.update(row["reasons"])
        else:
            failed[row["error"]] += 1
    return Tally(
        accepted=decisions[Decision.ACCEPT],
        reviewed=decisions[Decision.REVIEW],
        reasons=reasons,
        failed=failed,
    )


class Scorer:
    """Reads pictures, with the model loaded once.

    scorer = Scorer(method)
    rows = list(scorer.rows(Contents(max_bytes=10**7).of([Piece("scans.zip", 0, 100)])))

    Args:
        carried: the columns of tables that are copied into the rows, by their names there.
    """

    def __init__(
        self, method: "Method | FormMethod", carried: Mapping[str, str] | None = None
    ) -> None:
        self._method = method
        self._carried = carried or {}
        self._pipeline: Any = method.open()

    def rows(self, items: Iterator[Item]) -> Iterator[Row]:
        """Yield a row for each of `items`; that of an unreadable one says what is wrong."""
        # Of each picture only what the model sees is kept: 64 files may be large.
        while batch := [self._prepared(item) for item in islice(items, LARGEST_MICRO_BATCH)]:
            readable = [each.content for each in batch if not isinstance(each.content, Unread)]
            readings = iter(self._pipeline.read(readable))
            for item in batch:
                unread = isinstance(item.content, Unread)
                yield self._row(item, item.content if unread else next(readings))

    def _prepared(self, item: Item) -> Item:
        if isinstance(item.content, Unread):
            return item
        try:
            ready = self._pipeline.normalise(self._pipeline.decode(item.content))
        except Exception as error:
            # One picture must not end a night's work, whatever is wrong with it.
            ready = Unread("internal-error", f"it cannot be prepared: {error!r:.200}")
        return item._replace(content=_text_only(ready))

    def _row(self, item: Item, outcome: Any) -> Row:  # noqa: ANN401 - digits or fields
        place = {
            "source": text_of(item.source),
            "member": None if item.member is None else text_of(item.member),
        }
        carried = {name: item.cells.get(origin) for name, origin in self._carried.items()}
        outcome = _text_only(outcome)
        if not isinstance(outcome, Unread):
            return {**place, **self._method.row(outcome), "error": None, "detail": None, **carried}
        return {
            **dict.fromkeys(column.name for column in self._method.columns),
            **place,
            **self._method.identity,
            "error": outcome.error,
            "detail": text_of(outcome.detail),
            **carried,
        }


def _text_only(outcome: Any) -> Any:  # noqa: ANN401 - anything but UnreadableImage is unchanged
    if not isinstance(outcome, UnreadableImage):
        return outcome
    # The frames of its traceback, and of what it was raised from, hold the bytes of the file.
    outcome.__traceback__ = outcome.__cause__ = outcome.__context__ = None
    return Unread(outcome.slug, str(outcome))


def text_of(path: str) -> str:
    """Return a file name, which may be any bytes, as text."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")
