"""Picture files through the service's own path, and through a naive resize, to answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.results import Score
from service.imaging import Normalised
from service.inference.catalogue import load_catalogue
from service.inference.decide import Decision
from service.inference.sessions import LARGEST_MICRO_BATCH
from service.pipeline import Pipeline, Prepared, Reading, Wish, choose_pipeline
from service.settings import Settings

NO_DIGIT = -1
_MNIST_SIZE = (28, 28)


@dataclass(frozen=True)
class Source:
    """Which models read: those of `names` in `models_dir`, or all, at the point `max_error`."""

    models_dir: Path
    names: tuple[str, ...]
    max_error: float


@dataclass(frozen=True, eq=False)
class Answers:
    """What one model says of N pictures.

    Attributes:
        digits: int64 [N]; -1 where there is none: a blank or unreadable picture.
        confidences: float64 [N], what accepting goes by; 0 where there is no digit.
        accepted: bool [N].
    """

    digits: NDArray[np.int64]
    confidences: NDArray[np.float64]
    accepted: NDArray[np.bool_]

    def score(self, labels: NDArray[np.uint8]) -> Score:
        """Count what is right, what is accepted and what is both accepted and wrong."""
        wrong = self.digits != labels
        return Score(
            images=len(labels),
            correct=int((~wrong).sum()),
            accepted=int(self.accepted.sum()),
            errors=int((wrong & self.accepted).sum()),
        )


@dataclass(frozen=True)
class Readers:
    """Several models that read the same pictures, each prepared once."""

    pipelines: Mapping[str, Pipeline]

    def read(self, pictures: Sequence[bytes]) -> dict[str, Answers]:
        """Answers by model, as the service would give them."""
        return self._answers(next(iter(self.pipelines.values())).prepare(pictures))

    def read_naively(self, pictures: Sequence[bytes]) -> dict[str, Answers]:
        """Answers by model to pictures that were only resized."""
        return self._answers(
            Prepared([Normalised(resized(picture), blank=False) for picture in pictures])
        )

    def _answers(self, prepared: Prepared) -> dict[str, Answers]:
        batches = [
            Prepared(prepared.items[start : start + LARGEST_MICRO_BATCH])
            for start in range(0, len(prepared.items), LARGEST_MICRO_BATCH)
        ]
        return {name: _answered(pipeline, batches) for name, pipeline in self.pipelines.items()}


@cache
def open_readers(source: Source) -> Readers:
    """The models of `source`, loaded once in a process."""
    catalogue = load_catalogue(source.models_dir)
    max_pixels = Settings.model_fields["max_pixels"].default
    return Readers(
        {
            name: choose_pipeline(
                catalogue, Wish(model=name), max_error=source.max_error, max_pixels=max_pixels
            )
            for name in source.names or tuple(catalogue.classifiers)
        }
    )


def resized(picture: bytes) -> NDArray[np.uint8]:
    """What a service does that knows MNIST's size only: grey, 28x28, inverted if the rim is light.

    Returns:
        uint8 [28, 28], hopefully white ink on black.
    """
    with Image.open(BytesIO(picture)) as file:
        grey = file.convert("L")
    image = np.asarray(grey.resize(_MNIST_SIZE, Image.Resampling.BILINEAR))
    rim = np.concatenate((image[0], image[-1], image[:, 0], image[:, -1]))
    return ~image if np.median(rim) > 127 else image


def _answered(pipeline: Pipeline, batches: Sequence[Prepared]) -> Answers:
    outcomes = [
        outcome
        for batch in batches
        for outcome in pipeline.answer(batch, pipeline.classifier.run(batch.images))
    ]
    answers = [outcome.answer if isinstance(outcome, Reading) else None for outcome in outcomes]
    return Answers(
        digits=np.array(
            [
                NO_DIGIT if answer is None or answer.digit is None else answer.digit
                for answer in answers
            ]
        ),
        confidences=np.array([answer.confidence if answer else 0.0 for answer in answers]),
        accepted=np.array(
            [answer is not None and answer.decision is Decision.ACCEPT for answer in answers]
        ),
    )
