"""Picture files to answers: through the service's own pipeline, and after a plain resize."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.robustness.results import Decisions, Score
from service.imaging import Normalised
from service.inference.catalogue import load_catalogue
from service.inference.decisions import Decision, Reason
from service.inference.digits import Content, DigitOptions, DigitPipeline, Outcome, Reading
from service.settings import Settings

NO_DIGIT = -1
_MNIST_SIZE = (28, 28)


@dataclass(frozen=True)
class Source:
    """The models `names` in `models_dir`, or all if empty, at the operating point `max_error`."""

    models_dir: Path
    names: tuple[str, ...]
    max_error: float


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers of one model to N pictures.

    Attributes:
        digits: int64 [N]; -1 for a blank or unreadable picture.
        confidences: float64 [N]; 0 where there is no digit.
        accepted: bool [N].
        reasons: why each is not accepted; empty for one that cannot be read.
    """

    digits: NDArray[np.int64]
    confidences: NDArray[np.float64]
    accepted: NDArray[np.bool_]
    reasons: tuple[tuple[Reason, ...], ...]

    def decisions(self) -> Decisions:
        """Count the accepted pictures, and each reason for review."""
        counts = Counter(reason for reasons in self.reasons for reason in reasons)
        return Decisions(
            accepted=int(self.accepted.sum()),
            reasons={str(reason): counts[reason] for reason in Reason if reason != Reason.AUDIT},
        )

    def score(self, labels: NDArray[np.integer]) -> Score:
        """Count the right, the accepted, and the wrong but accepted answers."""
        wrong = self.digits != labels
        return Score(
            images=len(labels),
            correct=int((~wrong).sum()),
            accepted=int(self.accepted.sum()),
            errors=int((wrong & self.accepted).sum()),
        )


@dataclass(frozen=True)
class Readers:
    """Several models that read the same pictures."""

    pipelines: Mapping[str, DigitPipeline]

    def read(self, pictures: Sequence[bytes]) -> dict[str, Answers]:
        """Read pictures as the service does; return answers by model."""
        first = next(iter(self.pipelines.values()))
        return self._read([first.normalise(first.decode(picture)) for picture in pictures])

    def read_resized(self, pictures: Sequence[bytes]) -> dict[str, Answers]:
        """Read pictures that were only resized; return answers by model."""
        return self._read([Normalised(resized(picture)) for picture in pictures])

    def _read(self, contents: Sequence[Content]) -> dict[str, Answers]:
        return {
            name: _answers(pipeline.read(contents)) for name, pipeline in self.pipelines.items()
        }


@cache
def open_readers(source: Source) -> Readers:
    """Load the models of `source`, once in a process."""
    catalogue = load_catalogue(source.models_dir)
    max_pixels = Settings.model_fields["max_pixels"].default
    return Readers(
        {
            name: catalogue.digits(
                DigitOptions(model=name), max_error=source.max_error, max_pixels=max_pixels
            )
            for name in source.names or tuple(catalogue.classifiers)
        }
    )


def resized(picture: bytes) -> NDArray[np.uint8]:
    """Convert to grey, resize to 28x28, invert if the rim is light: the tutorial's preprocessing.

    Returns:
        uint8 [28, 28], hopefully white ink on black.
    """
    with Image.open(BytesIO(picture)) as file:
        grey = file.convert("L")
    image = np.asarray(grey.resize(_MNIST_SIZE, Image.Resampling.BILINEAR))
    rim = np.concatenate((image[0], image[-1], image[:, 0], image[:, -1]))
    return ~image if np.median(rim) > 127 else image


def _answers(outcomes: Sequence[Outcome]) -> Answers:
    answers = [outcome.answer if isinstance(outcome, Reading) else None for outcome in outcomes]
    digits = [answer.digit if answer else None for answer in answers]
    return Answers(
        digits=np.array([NO_DIGIT if digit is None else digit for digit in digits]),
        confidences=np.array([answer.confidence if answer else 0.0 for answer in answers]),
        accepted=np.array(
            [answer is not None and answer.decision is Decision.ACCEPT for answer in answers]
        ),
        reasons=tuple(answer.reasons if answer else () for answer in answers),
    )
