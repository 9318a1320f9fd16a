"""One way to read fields: a reader, a threshold, constraints. Plain functions."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import NamedTuple

import numpy as np

from models.fields.constraints import Constraints
from models.reader_card import ReaderCard
from models.strips import BUCKET, STRIDE, Grey, pad
from service.imaging import Picture, SeenStrip, UnreadableImage, cut_strip, decode
from service.inference.field_answers import FieldAnswer, FieldReason, answer_of, unread
from service.inference.sessions import Reader
from service.metrics import Metrics

# Most columns of strips that a reader is shown at once: what it keeps of them fits into a cache.
_MOST_COLUMNS = 2048

NO_CONSTRAINTS = Constraints()


@dataclass(frozen=True)
class FieldOptions:
    """What a caller may choose; None leaves the choice to the settings."""

    model: str | None = None
    max_error: float | None = None
    constraints: Constraints = NO_CONSTRAINTS


class FieldReading(NamedTuple):
    """An answer, the reader that gave it, and the strip as it sees it, uint8 [40, width]."""

    card: ReaderCard
    answer: FieldAnswer
    shown: Grey | None = None


# What a reader can be shown, or why not.
FieldReady = SeenStrip | UnreadableImage

# A picture as it comes: its file, its pixels, or what a reader can be shown at once.
FieldContent = bytes | Picture | FieldReady

FieldOutcome = FieldReading | UnreadableImage


@dataclass(frozen=True, eq=False)
class FieldPipeline:
    """Reads fields step by step, or all at once where nothing else waits.

        pipeline = catalogue.fields(FieldOptions(), max_error=0.01, max_pixels=10**7)
        pipeline.read([path.read_bytes()])

    Attributes:
        reader: the model.
        threshold: the least confidence that is accepted; None accepts nothing.
        constraints: what is known of the fields.
        max_pixels: largest picture that is decoded.
    """

    reader: Reader
    threshold: float | None
    constraints: Constraints
    max_pixels: int

    def decode(self, content: FieldContent) -> Picture | FieldReady:
        """The pixels of a file; anything else is left as it is."""
        if not isinstance(content, bytes):
            return content
        try:
            return decode(content, max_pixels=self.max_pixels, whole=True)
        except UnreadableImage as error:
            return error

    def normalise(self, picture: Picture | FieldReady) -> FieldReady:
        """What the reader can be shown of a picture; anything else is left as it is."""
        return cut_strip(picture) if isinstance(picture, np.ndarray) else picture

    def read(self, contents: Sequence[FieldContent]) -> list[FieldOutcome]:
        """Read fields here and now; one that cannot be read does not disturb the others."""
        return read_together([(self, self.normalise(self.decode(each))) for each in contents])


def read_together(
    fields: Sequence[tuple[FieldPipeline, FieldReady]], metrics: Metrics | None = None
) -> list[FieldOutcome]:
    """Let readers see strips of about the same width together, and answer each as it is wished."""
    outcomes: dict[int, FieldOutcome] = {}
    alike: defaultdict[tuple[Reader, int], list[int]] = defaultdict(list)
    for place, (pipeline, ready) in enumerate(fields):
        if isinstance(ready, UnreadableImage):
            outcomes[place] = ready
        elif ready.blank:
            outcomes[place] = FieldReading(
                pipeline.reader.card, unread(FieldReason.BLANK), ready.strip.pixels
            )
        else:
            columns = -(-ready.strip.pixels.shape[1] // BUCKET) * BUCKET
            alike[pipeline.reader, columns].append(place)
    for (reader, columns), places in alike.items():
        count = max(1, _MOST_COLUMNS // columns)
        for start in range(0, len(places), count):
            part = places[start : start + count]
            answers = _read_alike(reader, [fields[place] for place in part], metrics)
            outcomes.update(zip(part, answers, strict=True))
    return [outcomes[place] for place in range(len(fields))]


def _read_alike(
    reader: Reader,
    fields: Sequence[tuple[FieldPipeline, FieldReady]],
    metrics: Metrics | None,
) -> list[FieldReading]:
    shown = [(pipeline, seen) for pipeline, seen in fields if isinstance(seen, SeenStrip)]
    began = perf_counter()
    said = reader.run(pad([seen.strip.pixels for _, seen in shown]))
    if metrics:
        seconds = perf_counter() - began
        metrics.micro_batch(reader.card.name, images=len(shown), seconds=seconds)
    return [
        FieldReading(
            reader.card,
            answer_of(
                # The steps after the strip's own end are of padding.
                steps[: seen.strip.pixels.shape[1] // STRIDE],
                seen,
                reader.card,
                pipeline.constraints,
                pipeline.threshold,
            ),
            seen.strip.pixels,
        )
        for (pipeline, seen), steps in zip(shown, said, strict=True)
    ]
