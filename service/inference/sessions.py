"""Published ONNX files as ONNX Runtime sessions that follow the model contract."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

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
_OUTLIER_OUTPUT = "outlier"
_FIELD_OUTPUTS = ("logits", "log_probabilities")

# Type and sizes of every input and output; * is a free size.
_DIGIT_CONTRACT = {
    _INPUT: f"tensor(uint8) [*, {IMAGE_SIDE}, {IMAGE_SIDE}]",
    **dict.fromkeys(_DIGIT_OUTPUTS, f"tensor(float) [*, {DIGITS}]"),
}
_FIELD_CONTRACT = {
    _INPUT: f"tensor(uint8) [*, {HEIGHT}, *]",
    **dict.fromkeys(_FIELD_OUTPUTS, f"tensor(float) [*, *, {CLASSES}]"),
}


class UnusableModel(Exception):
    """Error for an intact file that ONNX Runtime or the model contract rejects."""


class Scored(NamedTuple):
    """Output of a classifier for N images."""

    logits: Scores  # float32 [N, 10], as exported
    probabilities: Scores  # float32 [N, 10], calibrated; each row sums to 1
    # float32 [N], the probability that an image shows no digit; None if the model has no such
    # output.
    outlier: NDArray[np.float32] | None = None


@dataclass(frozen=True, eq=False)
class Classifier:
    """A loaded model for single digits, with its card; safe to call from several threads."""

    card: ModelCard
    session: ort.InferenceSession

    def run(self, images: Images) -> Scored:
        """Classify `images`, uint8 [N, 28, 28], white ink on black; N may be 0."""
        if not len(images):
            nothing = np.empty((0, DIGITS), np.float32)
            return Scored(nothing, nothing, nothing[:, 0] if self.card.outliers.scored else None)
        return Scored(*self.session.run(_outputs_of(self.card), {_INPUT: images}))


@dataclass(frozen=True, eq=False)
class Reader:
    """A loaded model for fields, with its card; safe to call from several threads."""

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
    scored = {_OUTLIER_OUTPUT: "tensor(float) [*]"} if card.outliers.scored else {}
    classifier = Classifier(card, _open_session(directory, card, _DIGIT_CONTRACT | scored))
    # The largest batch first, so that the memory arena has its final size before any request.
    batches = (
        np.zeros((size, IMAGE_SIDE, IMAGE_SIDE), np.uint8) for size in (LARGEST_MICRO_BATCH, 1)
    )
    _warm_up(lambda batch: classifier.run(batch).probabilities, batches, directory / card.file)
    return classifier


def open_reader(directory: Path, card: ReaderCard) -> Reader:
    """Load, check and warm up the file of `card` in `directory`, as `open_classifier` does.

    open_reader(directory, manifest.readers[0]).run(pad([standardise(grey).pixels]))
    """
    path = directory / card.file
    reader = Reader(card, _open_session(directory, card, _FIELD_CONTRACT))
    sizes = ((4, HEIGHT, 8 * BUCKET), (1, HEIGHT, 6 * BUCKET))
    batches = [np.full(size, PAPER, np.uint8) for size in sizes]
    _warm_up(lambda batch: np.exp(reader.run(batch)), batches, path)
    steps, expected = reader.run(batches[0]).shape[1], batches[0].shape[2] // STRIDE
    if steps != expected:
        raise UnusableModel(
            f"{path}: it returns {steps} steps for {batches[0].shape[2]} columns; the model"
            f" contract says {expected}"
        )
    return reader


def _outputs_of(card: ModelCard) -> tuple[str, ...]:
    return (*_DIGIT_OUTPUTS, _OUTLIER_OUTPUT) if card.outliers.scored else _DIGIT_OUTPUTS


def _open_session(
    directory: Path, card: ModelCard | ReaderCard, contract: Mapping[str, str]
) -> ort.InferenceSession:
    path = directory / card.file
    content = read_model_file(directory, card)
    # One thread per session: processes run in parallel. By default ONNX Runtime sizes its pool to
    # the host's cores, whatever this process may use, and keeps the threads spinning.
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        session = ort.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise UnusableModel(f"{path}: ONNX Runtime cannot load it: {error}") from error
    found = {
        each.name: _signature(each) for each in (*session.get_inputs(), *session.get_outputs())
    }
    if found != contract:
        raise UnusableModel(
            f"{path}: its inputs and outputs are {_listed(found)}; the model contract says"
            f" {_listed(contract)}"
        )
    return session


def _signature(tensor: ort.NodeArg) -> str:
    sizes = (str(size) if isinstance(size, int) else "*" for size in tensor.shape)
    return f"{tensor.type} [{', '.join(sizes)}]"


def _listed(tensors: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {signature}" for name, signature in tensors.items())


def _warm_up(
    probabilities: Callable[[NDArray[Any]], NDArray[Any]],
    batches: Iterable[NDArray[Any]],
    path: Path,
) -> None:
    for batch in batches:
        try:
            sums = probabilities(batch).sum(axis=-1)
        except Exception as error:
            raise UnusableModel(f"{path}: ONNX Runtime cannot run it: {error}") from error
        if not np.allclose(sums, 1.0, atol=1e-3):
            raise UnusableModel(f"{path}: its probabilities do not sum to 1")
