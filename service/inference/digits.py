"""Pictures of single digits to readings: a model, an operating point, a preprocessing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import repeat
from time import perf_counter
from typing import Any, ClassVar, NamedTuple

import numpy as np

from models.manifest import DIGITS, ModelCard
from service.imaging import Normalised, Picture, UnreadableImage, decode, normalise, unchanged
from service.inference.decisions import (
    Answer,
    Audit,
    Criteria,
    Reason,
    audited,
    decide,
    decide_blank,
)
from service.inference.sessions import LARGEST_MICRO_BATCH, Classifier, Logits


class Preprocess(StrEnum):
    """How a picture becomes the image that a model expects."""

    AUTO = "auto"
    NONE = "none"


_NO_LOGITS = np.zeros(DIGITS, np.float32)


@dataclass(frozen=True)
class DigitOptions:
    """Options of a request; None means the default of the settings."""

    model: str | None = None
    max_error: float | None = None
    preprocess: Preprocess = Preprocess.AUTO
    calibration: str | None = None
    page: int = 1


class Reading(NamedTuple):
    """An answer, and what it is based on."""

    card: ModelCard
    answer: Answer  # the digit and the decision
    logits: Logits  # float32 [10]; zeros for a blank image, which no model sees
    shown: Picture | None = None  # uint8 [28, 28], the image as the model sees it
    # The probability that the image shows no digit; 1 for a blank image, None if the model has no
    # such output.
    outlier: float | None = None

    @property
    def confidence(self) -> float:
        """What thresholds are compared with."""
        return self.answer.confidence * (1.0 - (self.outlier or 0.0))


# The input of a model, or why there is none.
Ready = Normalised | UnreadableImage

# A picture as a file, as pixels, or as the input of a model.
Content = bytes | Picture | Ready

Outcome = Reading | UnreadableImage

# Called after each run of a model, with the number of images and the seconds.
OnRun = Callable[[int, float], None]


@dataclass(frozen=True, eq=False)
class DigitPipeline:
    """Reads pictures of single digits, step by step or at once.

    pipeline = catalogue.digits(DigitOptions(), max_error=0.001, max_pixels=10**7)
    pipeline.read([path.read_bytes()])
    """

    classifier: Classifier
    criteria: Criteria  # when its answers are accepted
    preprocess: Preprocess  # how a picture becomes the image that the model expects
    max_pixels: int  # the largest picture to decode
    audit: Audit | None = None  # chooses accepted answers to review; None chooses none
    calibration: str | None = None  # the name of the one that `criteria` come from, if any
    reads: bool = True  # False to return the normalised images instead of reading them
    page: int = 1  # which page of a file to read, from 1

    largest: ClassVar[int] = LARGEST_MICRO_BATCH  # the most pictures in a micro-batch
    turn: ClassVar[int] = 16  # the most pictures of one request in a micro-batch while others wait
    # The longest that a micro-batch should take, as every request waits for it.
    batch_seconds: ClassVar[float] = 0.01

    @property
    def model(self) -> Classifier | None:
        """The model to run; pipelines with the same one share micro-batches."""
        return self.classifier if self.reads else None

    @property
    def name(self) -> str:
        """The name of the model."""
        return self.classifier.card.name

    @property
    def threshold(self) -> float | None:
        """The lowest confidence to accept; None accepts nothing."""
        return self.criteria.threshold

    def decode(self, content: Content, max_pixels: int | None = None) -> Picture | Ready:
        """Decode a file of at most `max_pixels`; return anything else as it is."""
        if isinstance(content, np.ndarray) and self.page > 1:
            return UnreadableImage(f"there is no page {self.page}; an array has none")
        if not isinstance(content, bytes):
            return content
        try:
            limit = max_pixels or self.max_pixels
            return decode(content, max_pixels=limit, page=self.page)
        except UnreadableImage as error:
            return error

    def normalise(self, picture: Picture | Ready) -> Ready:
        """Normalise a picture; return anything else as it is."""
        if not isinstance(picture, np.ndarray):
            return picture
        try:
            return unchanged(picture) if self.preprocess is Preprocess.NONE else normalise(picture)
        except UnreadableImage as error:
            return error

    def read(self, contents: Sequence[Content]) -> list[Outcome]:
        """Read pictures in order; an unreadable one does not affect the others."""
        inputs = [self.normalise(self.decode(content)) for content in contents]
        outcomes: list[Outcome] = []
        for start in range(0, len(inputs), self.largest):
            part = inputs[start : start + self.largest]
            outcomes += self.read_inputs(part, [self] * len(part))
        return outcomes

    @staticmethod
    def read_inputs(
        inputs: Sequence[Ready], pipelines: Sequence["DigitPipeline"], on_run: OnRun | None = None
    ) -> list[Any]:
        """Classify a micro-batch: inputs, and a pipeline for each, all with the same model."""
        if not pipelines[0].reads:
            return list(inputs)
        started = perf_counter()
        classifier = pipelines[0].classifier
        is_shown = [isinstance(each, Normalised) and not each.blank for each in inputs]
        shown: Sequence[Any] = [each for each, shows in zip(inputs, is_shown, strict=True) if shows]
        showing = [each for each, shows in zip(pipelines, is_shown, strict=True) if shows]
        readings = _readings(classifier, shown, showing)
        outcomes = [
            each
            if isinstance(each, UnreadableImage)
            else _blank(classifier.card, each.image)
            if each.blank
            else next(readings)
            for each in inputs
        ]
        if on_run:
            on_run(len(outcomes), perf_counter() - started)
        return outcomes


def _readings(
    classifier: Classifier, shown: Sequence[Normalised], pipelines: Sequence[DigitPipeline]
) -> Iterator[Reading]:
    images = [item.image for item in shown]
    scored = classifier.run(np.array(images, np.uint8))
    criteria = [each.criteria for each in pipelines]
    answers = decide(scored.probabilities, criteria, list(map(findings, shown)), scored.outlier)
    audits = [each.audit for each in pipelines]
    outlier = repeat(None) if scored.outlier is None else scored.outlier.tolist()
    if any(audits):
        risks = repeat(0.0) if scored.outlier is None else outlier
        answers = list(map(audited, answers, audits, images, risks))
    return map(Reading, repeat(classifier.card), answers, scored.logits, images, outlier)


def _blank(card: ModelCard, image: Picture) -> Reading:
    return Reading(card, decide_blank(), _NO_LOGITS, image, 1.0 if card.outliers.scored else None)


def findings(shown: Normalised) -> tuple[Reason, ...]:
    """Return what is wrong with a picture."""
    if shown.blank:
        return (Reason.BLANK,)
    if not (shown.several or shown.cut_off):
        return ()
    several = (Reason.SEVERAL_DIGITS,) if shown.several else ()
    return (*several, Reason.CUT_OFF) if shown.cut_off else several
