"""Fields of several digits: how a worker reads them, and what it tells."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from models.fields.constraints import Constraints
from models.reader_card import ReaderCard
from service.api.responses import field
from service.inference.fields import FieldOutcome, FieldPipeline, FieldReading
from service.inference.sessions import open_reader
from service.scoring.contents import Item
from service.scoring.rows import FAULT, JUDGEMENT, NO_FAULT, PLACE, Column, Row, place, unread_row

_COLUMNS = (
    *PLACE,
    Column("text", "string", "the digits; null where none could be read"),
    Column("raw", "string", "the same with separators"),
    *JUDGEMENT,
    Column(
        "digits",
        "list<struct<digit: int8, confidence: float32, box: list<int32>>>",
        "each digit, with its box [x, y, width, height] in pixels",
    ),
    Column(
        "alternatives",
        "list<struct<text: string, confidence: float32>>",
        "other texts, the likeliest first",
    ),
    *FAULT,
)


@dataclass(frozen=True)
class Fields:
    """All that another process needs to read fields as `FieldPipeline` does.

    Attributes:
        directory: where the reader's file is.
        card: the reader's; only the file that it describes is used.
        threshold: the least confidence that is accepted; None accepts nothing.
        constraints: what is known of the fields.
        max_pixels: largest picture that is decoded.
    """

    directory: Path
    card: ReaderCard
    threshold: float | None
    constraints: Constraints
    max_pixels: int

    columns: ClassVar = _COLUMNS
    # A second's work, or less.
    task_size: ClassVar = 64

    def open(self) -> FieldPipeline:
        """The pipeline, with the reader loaded.

        Raises:
            ModelFileError, UnusableModel: it cannot be used any more.
        """
        reader = open_reader(self.directory, self.card)
        return FieldPipeline(reader, self.threshold, self.constraints, self.max_pixels)

    def row(self, item: Item, outcome: FieldOutcome) -> Row:
        """What is told of `item`: what the service would answer, and where it was."""
        if isinstance(outcome, FieldReading):
            return {**field(outcome, **place(item)), **NO_FAULT}
        return unread_row(item, self.card, self.columns, outcome)
