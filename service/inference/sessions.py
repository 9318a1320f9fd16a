"""A published model as an ONNX Runtime session that keeps to the model contract."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from models.manifest import DIGITS, IMAGE_SIDE, ModelCard
from service.inference.contract import Signature, UnusableModel, open_session

Images = NDArray[np.uint8]  # [N, 28, 28], white ink (255) on black (0)
Scores = NDArray[np.float32]  # [N, 10], one column per digit
Logits = NDArray[np.float32]  # [10], one per digit

# Past 64 images the activations leave the cache and throughput falls (measured on an AVX512 EPYC).
LARGEST_MICRO_BATCH = 64

# A micro-batch runs on the event loop, which nothing should hold up for longer.
_LONGEST_RUN_SECONDS = 0.002

# The fastest of so many runs tells how long one takes.
_TRIALS = 3

_INPUT = "image"
_OUTPUTS = ("logits", "probabilities")
_CONTRACT = {
    _INPUT: Signature("tensor(uint8)", ("batch", IMAGE_SIDE, IMAGE_SIDE)),
    **dict.fromkeys(_OUTPUTS, Signature("tensor(float)", ("batch", DIGITS))),
}


@dataclass(frozen=True, eq=False)
class Scored:
    """What a model says of N images.

    Attributes:
        logits: float32 [N, 10], divided by the model's temperature or not, as it was exported.
        probabilities: float32 [N, 10], calibrated; each row sums to 1.
    """

    logits: Scores
    probabilities: Scores

    @classmethod
    def of_nothing(cls) -> Self:
        """What any model says of no images."""
        return cls(np.empty((0, DIGITS), np.float32), np.empty((0, DIGITS), np.float32))


@dataclass(frozen=True, eq=False)
class Classifier:
    """One loaded model; may be called from several threads.

    Attributes:
        card: what the manifest says of it.
        session: its file, loaded.
        largest: most images that are run together.
    """

    card: ModelCard
    session: ort.InferenceSession
    largest: int = LARGEST_MICRO_BATCH

    def run(self, images: Images) -> Scored:
        """Classify `images`, uint8 [N, 28, 28], white ink on black; N from 0 to a micro-batch."""
        if not len(images):
            return Scored.of_nothing()
        logits, probabilities = self.session.run(_OUTPUTS, {_INPUT: images})
        return Scored(logits, probabilities)


def open_classifier(directory: Path, card: ModelCard) -> Classifier:
    """Load `card`'s file from `directory`, check it, and run it until it is warm.

        open_classifier(directory, manifest.models[0]).run(images).probabilities

    Raises:
        ModelFileError: the file is missing, or its SHA-256 is another.
        UnusableModel: ONNX Runtime cannot load or run it, or it breaks the model contract.
    """
    classifier = Classifier(card, open_session(directory, card, _CONTRACT))
    _warm_up(classifier, directory / card.file)
    return replace(classifier, largest=_largest(classifier))


def _warm_up(classifier: Classifier, path: Path) -> None:
    # The largest batch first: the memory arena then has its final size before the first request.
    for batch in (LARGEST_MICRO_BATCH, 1):
        try:
            scored = classifier.run(np.zeros((batch, IMAGE_SIDE, IMAGE_SIDE), np.uint8))
        except Exception as error:
            raise UnusableModel(f"{path}: ONNX Runtime cannot run it: {error}") from error
        if not np.allclose(scored.probabilities.sum(axis=1), 1.0, atol=1e-3):
            raise UnusableModel(f"{path}: its probabilities do not sum to 1")


def _largest(classifier: Classifier) -> int:
    images = np.zeros((LARGEST_MICRO_BATCH, IMAGE_SIDE, IMAGE_SIDE), np.uint8)
    seconds = min(_seconds(classifier, images) for _ in range(_TRIALS)) / LARGEST_MICRO_BATCH
    return max(1, min(LARGEST_MICRO_BATCH, int(_LONGEST_RUN_SECONDS / seconds)))


def _seconds(classifier: Classifier, images: Images) -> float:
    began = time.perf_counter()
    classifier.run(images)
    return time.perf_counter() - began
