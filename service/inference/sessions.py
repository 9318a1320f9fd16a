"""Published ONNX files as ONNX Runtime sessions that follow the model contract."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from models.manifest import DIGITS, IMAGE_SIDE, ModelCard, read_model_file
from models.reader_card import ReaderCard
from models.strips import BUCKET, CLASSES, HEIGHT, PAPER, STRIDE

Images = NDArray[np.uint8]  # [N, 28, 28], white ink (255) on black (0)
Scores = NDArray[np.float32]  # [N, 10], one column per digit
Logits = NDArray[np.float32]  # [10], one per digit
Strips = NDArray[np.uint8]  # [N, 40, width], standardised, width a multiple of BUCKET
LogProbabilities = NDArray[np.float32]  # [N, steps, classes]

# Beyond 64 images the activations leave the cache and throughput falls (measured on an EPYC).
LARGEST_MICRO_BATCH = 64

_INPUT = "image"
_DIGIT_OUTPUTS = ("logits", "probabilities")
_FIELD_OUTPUTS = ("logits", "log_probabilities")

_WARM_UP_STRIPS = ((4, 8 * BUCKET), (1, 6 * BUCKET))


class UnusableModel(Exception):
    """Error for an intact file that ONNX Runtime or the model contract rejects."""


@dataclass(frozen=True, slots=True)
class Signature:
    """The type of a tensor, as ONNX Runtime names it, and its sizes; free sizes are names.

    Signature("tensor(uint8)", ("batch", 28, 28))
    """

    type: str
    sizes: Sequence[int | str]

    def __str__(self) -> str:
        return f"{self.type} [{', '.join(map(str, self.sizes))}]"


_DIGIT_CONTRACT = {
    _INPUT: Signature("tensor(uint8)", ("batch", IMAGE_SIDE, IMAGE_SIDE)),
    **dict.fromkeys(_DIGIT_OUTPUTS, Signature("tensor(float)", ("batch", DIGITS))),
}
_FIELD_CONTRACT = {
    _INPUT: Signature("tensor(uint8)", ("batch", HEIGHT, "width")),
    **dict.fromkeys(_FIELD_OUTPUTS, Signature("tensor(float)", ("batch", "steps", CLASSES))),
}


class Scored(NamedTuple):
    """Output of a classifier for N images.

    Attributes:
        logits: float32 [N, 10], as exported.
        probabilities: float32 [N, 10], calibrated; each row sums to 1.
    """

    logits: Scores
    probabilities: Scores


@dataclass(frozen=True, eq=False)
class Classifier:
    """A loaded model for single digits; safe to call from several threads.

    Attributes:
        card: its entry in the manifest.
        session: its file, loaded.
    """

    card: ModelCard
    session: ort.InferenceSession

    def run(self, images: Images) -> Scored:
        """Classify `images`, uint8 [N, 28, 28], white ink on black; N may be 0."""
        if not len(images):
            nothing = np.empty((0, DIGITS), np.float32)
            return Scored(nothing, nothing)
        return Scored(*self.session.run(_DIGIT_OUTPUTS, {_INPUT: images}))


@dataclass(frozen=True, eq=False)
class Reader:
    """A loaded model for fields; safe to call from several threads.

    Attributes:
        card: its entry in the manifest.
        session: its file, loaded.
    """

    card: ReaderCard
    session: ort.InferenceSession

    def run(self, strips: Strips) -> LogProbabilities:
        """Score each step of `strips`, uint8 [N, 40, width], as float32 [N, steps, classes]."""
        [log_probabilities] = self.session.run(_FIELD_OUTPUTS[1:], {_INPUT: strips})
        return np.asarray(log_probabilities)


def open_classifier(directory: Path, card: ModelCard) -> Classifier:
    """Load, check and warm up the file of `card` in `directory`.

        open_classifier(directory, manifest.models[0]).run(images).probabilities

    Raises:
        ModelFileError: the file is missing, or its SHA-256 differs from the card's.
        UnusableModel: ONNX Runtime cannot load or run it, or it breaks the model contract.
    """
    classifier = Classifier(card, _open_session(directory, card, _DIGIT_CONTRACT))
    _warm_up_classifier(classifier, directory / card.file)
    return classifier


def open_reader(directory: Path, card: ReaderCard) -> Reader:
    """Load, check and warm up the file of `card` in `directory`.

        open_reader(directory, manifest.readers[0]).run(pad([standardise(grey).pixels]))

    Raises:
        ModelFileError, UnusableModel: as for `open_classifier`.
    """
    reader = Reader(card, _open_session(directory, card, _FIELD_CONTRACT))
    _warm_up_reader(reader, directory / card.file)
    return reader


def _open_session(
    directory: Path, card: ModelCard | ReaderCard, contract: Mapping[str, Signature]
) -> ort.InferenceSession:
    path = directory / card.file
    content = read_model_file(directory, card)
    try:
        session = ort.InferenceSession(content, _options(), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise UnusableModel(f"{path}: ONNX Runtime cannot load it: {error}") from error
    _check_contract(session, path, contract)
    return session


def _options() -> ort.SessionOptions:
    # One thread per session: processes run in parallel. By default ONNX Runtime sizes its pool to
    # the host's cores, whatever this process may use, and keeps the threads spinning.
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return options


def _check_contract(
    session: ort.InferenceSession, path: Path, contract: Mapping[str, Signature]
) -> None:
    found = {
        tensor.name: _signature(tensor, contract.get(tensor.name))
        for tensor in (*session.get_inputs(), *session.get_outputs())
    }
    expected = {name: str(signature) for name, signature in contract.items()}
    if found != expected:
        raise UnusableModel(
            f"{path}: its inputs and outputs are {_listed(found)}; the model contract says"
            f" {_listed(expected)}"
        )


def _signature(tensor: ort.NodeArg, expected: Signature | None) -> str:
    sizes = tensor.shape
    if expected and len(expected.sizes) == len(sizes):
        # The names of free sizes do not matter.
        sizes = [
            name if isinstance(name, str) and not isinstance(size, int) else size
            for size, name in zip(sizes, expected.sizes, strict=True)
        ]
    return str(Signature(tensor.type, sizes))


def _listed(tensors: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {signature}" for name, signature in tensors.items())


def _warm_up_classifier(classifier: Classifier, path: Path) -> None:
    # The largest batch first, so that the memory arena has its final size before any request.
    for batch in (LARGEST_MICRO_BATCH, 1):
        try:
            scored = classifier.run(np.zeros((batch, IMAGE_SIDE, IMAGE_SIDE), np.uint8))
        except Exception as error:
            raise UnusableModel(f"{path}: ONNX Runtime cannot run it: {error}") from error
        if not np.allclose(scored.probabilities.sum(axis=1), 1.0, atol=1e-3):
            raise UnusableModel(f"{path}: its probabilities do not sum to 1")


def _warm_up_reader(reader: Reader, path: Path) -> None:
    for count, width in _WARM_UP_STRIPS:
        try:
            scores = reader.run(np.full((count, HEIGHT, width), PAPER, np.uint8))
        except Exception as error:
            raise UnusableModel(f"{path}: ONNX Runtime cannot run it: {error}") from error
        if scores.shape[1] != width // STRIDE:
            raise UnusableModel(
                f"{path}: it returns {scores.shape[1]} steps for {width} columns; the model"
                f" contract says {width // STRIDE}"
            )
        if not np.allclose(np.exp(scores).sum(axis=2), 1.0, atol=1e-3):
            raise UnusableModel(f"{path}: its probabilities do not sum to 1")
