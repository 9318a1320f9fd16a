"""Picture files through the service's own path, and through a naive resize, to answers."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.special import logsumexp

from benchmarks.results import Decisions, Score
from models.manifest import DIGITS
from models.scores import entropy
from service.imaging import Normalised
from service.inference.catalogue import load_catalogue
from service.inference.decisions import Decision, Reason
from service.inference.digits import DigitOptions, DigitPipeline, Outcome, Reading, Ready
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
        logits: float32 [N, 10], as the model gives them; -inf where there is no digit.
        probabilities: float32 [N, 10]; all 0 where there is no digit.
        accepted: bool [N].
        reasons: why each is not accepted; empty for one that cannot be read.
    """

    digits: NDArray[np.int64]
    confidences: NDArray[np.float64]
    logits: NDArray[np.float32]
    probabilities: NDArray[np.float32]
    accepted: NDArray[np.bool_]
    reasons: tuple[tuple[Reason, ...], ...]

    def certainties(self) -> dict[str, NDArray[np.float64]]:
        """Scores [N] by which digits could be told from junk, all higher for digits.

        The entropy's sign is turned. Energy: Liu, Wang, Owens and Li, "Energy-based
        Out-of-distribution Detection", NeurIPS 2020; here its negative, with a temperature of 1.
        """
        no_digit = self.digits == NO_DIGIT
        return {
            "confidence": self.confidences,
            "entropy": np.where(no_digit, -np.inf, -entropy(self.probabilities)),
            "energy": np.where(no_digit, -np.inf, logsumexp(self.logits, axis=1)),
        }

    def decisions(self) -> Decisions:
        """Count what is accepted, and each reason why not."""
        counts = Counter(reason for reasons in self.reasons for reason in reasons)
        return Decisions(
            accepted=int(self.accepted.sum()),
            reasons={str(reason): counts[reason] for reason in Reason},
        )

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

    pipelines: Mapping[str, DigitPipeline]

    def read(self, pictures: Sequence[bytes]) -> dict[str, Answers]:
        """Answers by model, as the service would give them."""
        prepare = next(iter(self.pipelines.values())).prepare
        return self._answers([prepare(picture) for picture in pictures])

    def read_naively(self, pictures: Sequence[bytes]) -> dict[str, Answers]:
        """Answers by model to pictures that were only resized."""
        return self._answers([Normalised(resized(picture)) for picture in pictures])

    def _answers(self, ready: Sequence[Ready]) -> dict[str, Answers]:
        return {name: _answered(pipeline.read(ready)) for name, pipeline in self.pipelines.items()}


@cache
def open_readers(source: Source) -> Readers:
    """The models of `source`, loaded once in a process."""
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
    """What a service does that knows MNIST's size only: grey, 28x28, inverted if the rim is light.

    Returns:
        uint8 [28, 28], hopefully white ink on black.
    """
    with Image.open(BytesIO(picture)) as file:
        grey = file.convert("L")
    image = np.asarray(grey.resize(_MNIST_SIZE, Image.Resampling.BILINEAR))
    rim = np.concatenate((image[0], image[-1], image[:, 0], image[:, -1]))
    return ~image if np.median(rim) > 127 else image


def _answered(outcomes: Sequence[Outcome]) -> Answers:
    readings = [outcome if isinstance(outcome, Reading) else None for outcome in outcomes]
    answers = [reading.answer if reading else None for reading in readings]
    digits = np.array(
        [NO_DIGIT if answer is None or answer.digit is None else answer.digit for answer in answers]
    )
    # The model saw only those with a digit.
    logits = np.full((len(digits), DIGITS), -np.inf, np.float32)
    probabilities = np.zeros((len(digits), DIGITS), np.float32)
    for place in np.flatnonzero(digits != NO_DIGIT):
        logits[place] = readings[place].logits
        probabilities[place] = readings[place].answer.probabilities
    return Answers(
        digits=digits,
        confidences=np.array([answer.confidence if answer else 0.0 for answer in answers]),
        logits=logits,
        probabilities=probabilities,
        accepted=np.array(
            [answer is not None and answer.decision is Decision.ACCEPT for answer in answers]
        ),
        reasons=tuple(answer.reasons if answer else () for answer in answers),
    )
