"""A published reader of fields as an ONNX Runtime session that keeps to the model contract."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from models.reader_card import ReaderCard
from models.strips import BUCKET, CLASSES, HEIGHT, PAPER, STRIDE
from service.inference.contract import Signature, UnusableModel, open_session

Strips = NDArray[np.uint8]  # [N, 40, width], standardised, width a multiple of BUCKET
LogProbabilities = NDArray[np.float32]  # [N, steps, classes]

_INPUT = "image"
_OUTPUTS = ("logits", "log_probabilities")
_CONTRACT = {
    _INPUT: Signature("tensor(uint8)", ("batch", HEIGHT, "width")),
    **dict.fromkeys(_OUTPUTS, Signature("tensor(float)", ("batch", "steps", CLASSES))),
}
_WARM_UP = ((4, 8 * BUCKET), (1, 6 * BUCKET))


@dataclass(frozen=True, eq=False)
class Reader:
    """One loaded reader; may be called from several threads.

    Attributes:
        card: what the manifest says of it.
        session: its file, loaded.
    """

    card: ReaderCard
    session: ort.InferenceSession

    def run(self, strips: Strips) -> LogProbabilities:
        """What each step of each of `strips` says: uint8 [N, 40, width] to [N, steps, classes]."""
        [log_probabilities] = self.session.run(_OUTPUTS[1:], {_INPUT: strips})
        return np.asarray(log_probabilities)


def open_reader(directory: Path, card: ReaderCard) -> Reader:
    """Load `card`'s file from `directory`, check it, and run it until it is warm.

        open_reader(directory, manifest.readers[0]).run(pad([standardise(grey).pixels]))

    Raises:
        ModelFileError: the file is missing, or its SHA-256 is another.
        UnusableModel: ONNX Runtime cannot load or run it, or it breaks the model contract.
    """
    reader = Reader(card, open_session(directory, card, _CONTRACT))
    _warm_up(reader, directory / card.file)
    return reader


def _warm_up(reader: Reader, path: Path) -> None:
    for count, width in _WARM_UP:
        try:
            said = reader.run(np.full((count, HEIGHT, width), PAPER, np.uint8))
        except Exception as error:
            raise UnusableModel(f"{path}: ONNX Runtime cannot run it: {error}") from error
        if said.shape[1] != width // STRIDE:
            raise UnusableModel(
                f"{path}: it says {said.shape[1]} steps of {width} columns; the model contract"
                f" says {width // STRIDE}"
            )
        if not np.allclose(np.exp(said).sum(axis=2), 1.0, atol=1e-3):
            raise UnusableModel(f"{path}: its probabilities do not sum to 1")
