"""One way to read digits: a model, an operating point, a preprocessing. Plain functions."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import repeat
from typing import NamedTuple

import numpy as np

from models.manifest import DIGITS, ModelCard
from service.imaging import (
    Normalised,
    Picture,
    UnreadableImage,
    decode,
    normalise,
    unchanged,
)
from service.inference.decisions import Answer, Criteria, decide, decide_blank
from service.inference.sessions import LARGEST_MICRO_BATCH, Classifier, Logits


class Preprocess(StrEnum):
    """What happens to a picture before a model sees it."""

    AUTO = "auto"
    NONE = "none"


_PREPROCESSING: dict[Preprocess, Callable[[Picture], Normalised]] = {
    Preprocess.AUTO: normalise,
    Preprocess.NONE: unchanged,
}

_NO_LOGITS = np.zeros(DIGITS, np.float32)


@dataclass(frozen=True)
class DigitOptions:
    """What a caller may choose; None leaves the choice to the settings."""

    model: str | None = None
    max_error: float | None = None
    preprocess: Preprocess = Preprocess.AUTO


class Reading(NamedTuple):
    """An answer, the model that gave it, and what that model said.

    Attributes:
        card: the model's.
        answer: the digit, and whether to believe it.
        logits: float32 [10]; all 0 where the image is blank, as no model has seen it.
        shown: uint8 [28, 28], the image as a model sees it.
    """

    card: ModelCard
    answer: Answer
    logits: Logits
    shown: Picture | None = None


# What a model can be shown, or why not.
Ready = Normalised | UnreadableImage

# A picture as it comes: its file, its pixels, or what a model can be shown at once.
Content = bytes | Picture | Ready

Outcome = Reading | UnreadableImage


@dataclass(frozen=True, eq=False)
class DigitPipeline:
    """Reads pictures step by step, or all at once where nothing else waits.

        options = DigitOptions(model="lenet5")
        pipeline = catalogue.digits(options, max_error=0.001, max_pixels=10**7)
        pipeline.read([path.read_bytes()])

    Attributes:
        classifier: the model.
        criteria: when its answers are believed.
        preprocess: what happens to a picture before the model sees it.
        max_pixels: largest picture that is decoded.
    """

    classifier: Classifier
    criteria: Criteria
    preprocess: Preprocess
    max_pixels: int

    def decode(self, content: Content) -> Picture | Ready:
        """The pixels of a file; anything else is left as it is."""
        if not isinstance(content, bytes):
            return content
        try:
            return decode(content, max_pixels=self.max_pixels)
        except UnreadableImage as error:
            return error

    def normalise(self, picture: Picture | Ready) -> Ready:
        """What the model can be shown of a picture; anything else is left as it is."""
        if not isinstance(picture, np.ndarray):
            return picture
        try:
            return _PREPROCESSING[self.preprocess](picture)
        except UnreadableImage as error:
            return error

    def prepare(self, content: Content) -> Ready:
        """Decode and normalise a picture."""
        return self.normalise(self.decode(content))

    def read(self, contents: Sequence[Content]) -> list[Outcome]:
        """Read pictures here and now; one that cannot be read does not disturb the others."""
        ready = [self.prepare(content) for content in contents]
        outcomes: list[Outcome] = []
        for start in range(0, len(ready), LARGEST_MICRO_BATCH):
            part = ready[start : start + LARGEST_MICRO_BATCH]
            outcomes += classify(self.classifier, part, [self.criteria] * len(part))
        return outcomes


def classify(
    classifier: Classifier, ready: Sequence[Ready], criteria: Sequence[Criteria]
) -> list[Outcome]:
    """Let a model see a micro-batch, and decide on every picture by the criteria of its caller."""
    shown = [item for item in ready if isinstance(item, Normalised) and not item.blank]
    if len(shown) == len(ready):
        return list(_readings(classifier, shown, criteria))
    asked = [
        criterion
        for item, criterion in zip(ready, criteria, strict=True)
        if isinstance(item, Normalised) and not item.blank
    ]
    readings = _readings(classifier, shown, asked)
    return [
        item
        if isinstance(item, UnreadableImage)
        else Reading(classifier.card, decide_blank(), _NO_LOGITS, item.image)
        if item.blank
        else next(readings)
        for item in ready
    ]


def _readings(
    classifier: Classifier, shown: Sequence[Normalised], criteria: Sequence[Criteria]
) -> Iterator[Reading]:
    images, _, several = zip(*shown, strict=True) if shown else ((), (), ())
    scored = classifier.run(np.array(images, np.uint8))
    answers = decide(scored.probabilities, criteria, several)
    return map(Reading, repeat(classifier.card), answers, scored.logits, images)
