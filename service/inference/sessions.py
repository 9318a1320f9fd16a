"""A published model as an ONNX Runtime session that keeps to the model contract."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from models.manifest import DIGITS, IMAGE_SIDE, ModelCard, read_model_file

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


class UnusableModel(Exception):
    """A model's file is intact, but ONNX Runtime or the model contract refuses it."""


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
    path = directory / card.file
    content = read_model_file(directory, card)
    try:
        session = ort.InferenceSession(content, _options(), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise UnusableModel(f"{path}: ONNX Runtime cannot load it: {error}") from error
    _check_contract(session, path)
    classifier = Classifier(card, session)
    _warm_up(classifier, path)
    return replace(classifier, largest=_largest(classifier))


def _options() -> ort.SessionOptions:
    # One thread per session: requests are what runs in parallel. The defaults would size a pool
    # to the host's cores, whatever this process may use, and keep it spinning.
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _check_contract(session: ort.InferenceSession, path: Path) -> None:
    expected = {_INPUT: f"tensor(uint8) [batch, {IMAGE_SIDE}, {IMAGE_SIDE}]"}
    expected |= dict.fromkeys(_OUTPUTS, f"tensor(float) [batch, {DIGITS}]")
    found = {tensor.name: _signature(tensor) for tensor in session.get_inputs()}
    found |= {tensor.name: _signature(tensor) for tensor in session.get_outputs()}
    if found != expected:
        raise UnusableModel(
            f"{path}: its inputs and outputs are {_listed(found)}; the model contract says"
            f" {_listed(expected)}"
        )


def _signature(tensor: ort.NodeArg) -> str:
    first, *others = tensor.shape
    batch = "batch" if isinstance(first, str) else first
    return f"{tensor.type} [{', '.join(str(size) for size in (batch, *others))}]"


def _listed(tensors: dict[str, str]) -> str:
    return ", ".join(f"{name}: {signature}" for name, signature in tensors.items())


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
