"""Pictures of fields, strips of several digits, to answers: a reader, a threshold, constraints."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import ClassVar, NamedTuple

import numpy as np

from models.fields.constraints import Constraints
from models.fields.formats import ANY, Notation
from models.reader_card import ReaderCard
from models.strips import BUCKET, STRIDE, Grey, pad
from service.imaging import Picture, SeenStrip, UnreadableImage, cut_strip, decode
from service.inference.decisions import Audit, Decision
from service.inference.digits import DigitOptions, DigitPipeline, OnRun
from service.inference.field_answers import FieldAnswer, FieldReason, answer_of, unread
from service.inference.sessions import Reader

# A reader takes several milliseconds for a field, and every request waits for the whole batch.
LARGEST_FIELD_BATCH = 8

# The most columns of strips in one run: the activations then fit into a cache.
_MOST_COLUMNS = 2048

NO_CONSTRAINTS = Constraints()


@dataclass(frozen=True)
class FieldOptions:
    """Options of a request; None means the default of the settings."""

    model: str | None = None
    max_error: float | None = None
    constraints: Constraints = NO_CONSTRAINTS
    calibration: str | None = None
    notation: Notation = ANY
    page: int = 1


# How to read a picture, of whichever kind.
Options = DigitOptions | FieldOptions


class FieldReading(NamedTuple):
    """An answer, the card of its reader, and the strip as the reader sees it, uint8 [40, width]."""

    card: ReaderCard
    answer: FieldAnswer
    shown: Grey | None = None

    @property
    def confidence(self) -> float:
        """What thresholds are compared with."""
        return self.answer.confidence


# The input of a reader, or why there is none.
FieldReady = SeenStrip | UnreadableImage

# A picture as a file, as pixels, or as the input of a reader.
FieldContent = bytes | Picture | FieldReady

FieldOutcome = FieldReading | UnreadableImage


@dataclass(frozen=True, eq=False)
class FieldPipeline:
    """Reads pictures of fields, step by step or at once.

    pipeline = catalogue.fields(FieldOptions(), max_error=0.01, max_pixels=10**7)
    pipeline.read([path.read_bytes()])
    """

    reader: Reader
    threshold: float | None  # the lowest confidence to accept; None accepts nothing
    constraints: Constraints  # what is known of the fields
    max_pixels: int  # the largest picture to decode
    temperature: float = 1.0  # of a calibration, see `soften_alone`; applied before the threshold
    audit: Audit | None = None  # chooses accepted answers to review; None chooses none
    notation: Notation = ANY  # what their texts mean
    # The name of the one that threshold and temperature come from, if any.
    calibration: str | None = None
    page: int = 1  # which page of a file to read, from 1

    largest: ClassVar[int] = LARGEST_FIELD_BATCH
    turn: ClassVar[int] = 4
    # A long field with unsure digits takes up to twenty times as long as others.
    batch_seconds: ClassVar[float] = 0.1

    @property
    def model(self) -> Reader:
        """The model to run; pipelines with the same one share micro-batches."""
        return self.reader

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.reader.card.name

    def decode(self, content: FieldContent, max_pixels: int | None = None) -> Picture | FieldReady:
        """Decode a file of at most `max_pixels`; return anything else as it is."""
        if not isinstance(content, bytes):
            return content
        try:
            limit = max_pixels or self.max_pixels
            return decode(content, max_pixels=limit, whole=True, page=self.page)
        except UnreadableImage as error:
            return error

    def normalise(self, picture: Picture | FieldReady) -> FieldReady:
        """Cut the strip out of a picture; return anything else as it is."""
        return cut_strip(picture) if isinstance(picture, np.ndarray) else picture

    def read(self, contents: Sequence[FieldContent]) -> list[FieldOutcome]:
        """Read fields in order; an unreadable one does not affect the others."""
        inputs = [self.normalise(self.decode(content)) for content in contents]
        return self.read_inputs(inputs, [self] * len(inputs))

    @staticmethod
    def read_inputs(
        inputs: Sequence[FieldReady],
        pipelines: Sequence["FieldPipeline"],
        on_run: OnRun | None = None,
    ) -> list[FieldOutcome]:
        """Read strips and a pipeline for each, all with the same reader, by width."""
        outcomes: dict[int, FieldOutcome] = {}
        buckets: defaultdict[int, list[tuple[int, SeenStrip]]] = defaultdict(list)
        for index, (item, pipeline) in enumerate(zip(inputs, pipelines, strict=True)):
            if isinstance(item, UnreadableImage):
                outcomes[index] = item
            elif item.blank:
                blank = unread(FieldReason.BLANK, notation=pipeline.notation)
                outcomes[index] = FieldReading(pipeline.reader.card, blank, item.strip.pixels)
            else:
                columns = -(-item.strip.pixels.shape[1] // BUCKET) * BUCKET
                buckets[columns].append((index, item))
        for columns, strips in buckets.items():
            most = max(1, _MOST_COLUMNS // columns)
            for start in range(0, len(strips), most):
                indices, seen = zip(*strips[start : start + most], strict=True)
                readings = _run(seen, [pipelines[index] for index in indices], on_run)
                outcomes.update(zip(indices, readings, strict=True))
        return [outcomes[index] for index in range(len(inputs))]


Pipeline = DigitPipeline | FieldPipeline


def _run(
    strips: Sequence[SeenStrip], pipelines: Sequence[FieldPipeline], on_run: OnRun | None
) -> list[FieldReading]:
    reader = pipelines[0].reader
    started = perf_counter()
    scores = reader.run(pad([seen.strip.pixels for seen in strips]))
    if on_run:
        on_run(len(strips), perf_counter() - started)
    answers = (
        answer_of(
            # The steps beyond the strip's end are padding.
            steps[: seen.strip.pixels.shape[1] // STRIDE],
            seen,
            reader.card,
            pipeline.constraints,
            pipeline.threshold,
            pipeline.temperature,
            pipeline.notation,
        )
        for seen, pipeline, steps in zip(strips, pipelines, scores, strict=True)
    )
    return [
        FieldReading(reader.card, _audited(answer, pipeline.audit, pixels), pixels)
        for answer, pipeline, pixels in zip(
            answers, pipelines, (seen.strip.pixels for seen in strips), strict=True
        )
    ]


def _audited(answer: FieldAnswer, audit: Audit | None, pixels: Grey) -> FieldAnswer:
    is_accepted = answer.decision is Decision.ACCEPT
    if audit and is_accepted and audit.chooses(answer.confidence, pixels):
        return answer._replace(decision=Decision.REVIEW, reasons=(FieldReason.AUDIT,))
    return answer
