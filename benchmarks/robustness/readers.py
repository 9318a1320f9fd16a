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
from scipy.special import logsumexp

from benchmarks.robustness.results import Decisions, Score
from models.manifest import DIGITS
from models.scores import entropy
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
        logits: float32 [N, 10]; -inf where there is no digit.
        probabilities: float32 [N, 10]; 0 where there is no digit.
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
        """Return scores [N] that may tell digits from junk; higher means more like a digit.

        The entropy's sign is reversed. Energy: Liu, Wang, Owens and Li, "Energy-based
        Out-of-distribution Detection", NeurIPS 2020; here its negative, with a temperature of 1.
        """
        no_digit = self.digits == NO_DIGIT
        return {
            "confidence": self.confidences,
            "entropy": np.where(no_digit, -np.inf, -entropy(self.probabilities)),
            "energy": np.where(no_digit, -np.inf, logsumexp(self.logits, axis=1)),
        }

    def decisions(self) -> Decisions:
        """Count the accepted pictures, and each reason for review."""
        counts = Counter(reason for reasons in self.reasons for reason in reasons)
        return Decisions(
            accepted=int(self.accepted.sum()),
            reasons={str(reason): counts[reason] for reason in Reason},
        )

    def score(self, labels: NDArray[np.uint8]) -> Score:
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
        prepare = next(iter(self.pipelines.values())).prepare
        return self._read([prepare(picture) for picture in pictures])

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
    logits = np.full((len(outcomes), DIGITS), -np.inf, np.float32)
    probabilities = np.zeros((len(outcomes), DIGITS), np.float32)
    answers = [outcome.answer if isinstance(outcome, Reading) else None for outcome in outcomes]
    digits = np.full(len(outcomes), NO_DIGIT)
    for index, answer in enumerate(answers):
        # The model saw only pictures with a digit.
        if answer is not None and answer.digit is not None:
            digits[index] = answer.digit
            logits[index] = outcomes[index].logits
            probabilities[index] = answer.probabilities
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
