"""One way to read digits: a model, an operating point, a preprocessing. Plain functions."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from models.manifest import ModelCard
from service.imaging import (
    Normalised,
    Picture,
    UnreadableImage,
    decode,
    normalise,
    unchanged,
)
from service.inference.catalogue import Catalogue
from service.inference.decide import Answer, Criteria, Probabilities, decide, decide_blank
from service.inference.sessions import Classifier, Images, Scored


class Preprocess(StrEnum):
    """What happens to a picture before a model sees it."""

    AUTO = "auto"
    NONE = "none"


_PREPROCESSING: dict[Preprocess, Callable[[Picture], Normalised]] = {
    Preprocess.AUTO: normalise,
    Preprocess.NONE: unchanged,
}


class UnsupportedMaxError(ValueError):
    """The model has no threshold that keeps the error rate which is asked for."""


@dataclass(frozen=True)
class Wish:
    """What a caller may choose; None leaves the choice to the settings."""

    model: str | None = None
    max_error: float | None = None
    preprocess: Preprocess = Preprocess.AUTO


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """An answer and the model that gave it."""

    card: ModelCard
    answer: Answer


Outcome = Reading | UnreadableImage


@dataclass(frozen=True, eq=False)
class Prepared:
    """Pictures on their way to a model, in the caller's order, with those that have no way."""

    items: Sequence[Normalised | UnreadableImage]

    @property
    def images(self) -> Images:
        """Those that a model is to see, neither unreadable nor blank: uint8 [N, 28, 28]."""
        legible = [
            item.image for item in self.items if isinstance(item, Normalised) and not item.blank
        ]
        return np.array(legible, np.uint8)


@dataclass(frozen=True, eq=False)
class Pipeline:
    """Reads pictures step by step, or all at once where nothing else waits.

        wish = Wish(model="lenet5")
        pipeline = choose_pipeline(catalogue, wish, max_error=0.001, max_pixels=10**7)
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

    def prepare(self, files: Sequence[bytes]) -> Prepared:
        """Decode and normalise `files`; one that cannot be read does not disturb the others."""
        return Prepared([self._prepare_one(data) for data in files])

    def answer(self, prepared: Prepared, scored: Scored) -> list[Outcome]:
        """Decide on every picture, given what the model says of `prepared.images`."""
        rows = iter(scored.probabilities)
        outcomes: list[Outcome] = []
        for item in prepared.items:
            if isinstance(item, UnreadableImage):
                outcomes.append(item)
            else:
                outcomes.append(Reading(self.classifier.card, self._answer_one(item, rows)))
        return outcomes

    def read(self, files: Sequence[bytes]) -> list[Outcome]:
        """Read `files`, up to a micro-batch of them, here and now."""
        prepared = self.prepare(files)
        return self.answer(prepared, self.classifier.run(prepared.images))

    def _answer_one(self, item: Normalised, rows: Iterator[Probabilities]) -> Answer:
        if item.blank:
            return decide_blank()
        return decide(next(rows), self.criteria, several=item.several)

    def _prepare_one(self, data: bytes) -> Normalised | UnreadableImage:
        try:
            return _PREPROCESSING[self.preprocess](decode(data, max_pixels=self.max_pixels))
        except UnreadableImage as error:
            return error


def choose_pipeline(
    catalogue: Catalogue, wish: Wish, *, max_error: float, max_pixels: int
) -> Pipeline:
    """The pipeline for `wish`; `max_error` holds where it names none.

    A model that cannot keep the default `max_error` accepts nothing; asking for an error rate
    that it cannot keep is an error.

    Raises:
        UnknownModel: no such model is published.
        ModelUnavailable: it could not be loaded.
        UnsupportedMaxError: the model cannot keep the error rate that `wish` names.
    """
    classifier = catalogue.classifier(wish.model)
    asked = max_error if wish.max_error is None else wish.max_error
    try:
        threshold = threshold_for(classifier.card, asked)
    except UnsupportedMaxError:
        if wish.max_error is not None:
            raise
        threshold = None
    criteria = Criteria(threshold, classifier.card.outliers.entropy)
    return Pipeline(classifier, criteria, wish.preprocess, max_pixels)


def threshold_for(card: ModelCard, max_error: float) -> float:
    """The least confidence at which `card`'s model keeps the error rate `max_error`.

    Raises:
        UnsupportedMaxError: no operating point is as strict, or none was shown to keep its promise.
    """
    try:
        threshold = card.operating_point(max_error).threshold
    except LookupError:
        threshold = None
    if threshold is None:
        kept = [point for point in card.operating_points if point.threshold is not None]
        raise UnsupportedMaxError(
            f"{card.name} was not shown to keep an error rate of {max_error:g}; it keeps"
            f" {', '.join(f'{point.max_error:g}' for point in kept) or 'none'}"
        )
    return threshold
