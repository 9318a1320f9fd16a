"""Single digits: how a worker reads them, and what it tells."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from models.manifest import ModelCard
from service.api.responses import prediction
from service.inference.decisions import Criteria
from service.inference.digits import DigitPipeline, Outcome, Preprocess, Reading
from service.inference.sessions import open_classifier
from service.scoring.contents import Item
from service.scoring.rows import FAULT, JUDGEMENT, NO_FAULT, PLACE, Column, Row, place, unread_row

_COLUMNS = (
    *PLACE,
    Column("digit", "int8", "0 to 9; null where nothing is written"),
    *JUDGEMENT,
    Column("probabilities", "list<float32>", "of the digits 0 to 9"),
    *FAULT,
)


@dataclass(frozen=True)
class Digits:
    """All that another process needs to read single digits as `DigitPipeline` does.

    Attributes:
        directory: where the model's file is.
        card: the model's; only the file that it describes is used.
        criteria: when its answers are believed.
        preprocess: what happens to a picture before the model sees it.
        max_pixels: largest picture that is decoded.
    """

    directory: Path
    card: ModelCard
    criteria: Criteria
    preprocess: Preprocess
    max_pixels: int

    columns: ClassVar = _COLUMNS
    # A second's work, or less.
    task_size: ClassVar = 512

    def open(self) -> DigitPipeline:
        """The pipeline, with the model loaded.

        Raises:
            ModelFileError, UnusableModel: it cannot be used any more.
        """
        classifier = open_classifier(self.directory, self.card)
        return DigitPipeline(classifier, self.criteria, self.preprocess, self.max_pixels)

    def row(self, item: Item, outcome: Outcome) -> Row:
        """What is told of `item`: what the service would answer, and where it was."""
        if isinstance(outcome, Reading):
            return {**prediction(outcome, **place(item)), **NO_FAULT}
        return unread_row(item, self.card, self.columns, outcome)
