"""A published ONNX file as a session that keeps to the contract of its kind."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import onnxruntime as ort

from models.manifest import ModelCard, read_model_file
from models.reader_card import ReaderCard


class UnusableModel(Exception):
    """A model's file is intact, but ONNX Runtime or the model contract refuses it."""


@dataclass(frozen=True, slots=True)
class Signature:
    """What a tensor has to be: its type as ONNX Runtime names it, its sizes, names for free ones.

    Signature("tensor(uint8)", ("batch", 28, 28))
    """

    type: str
    sizes: Sequence[int | str]

    def __str__(self) -> str:
        return f"{self.type} [{', '.join(map(str, self.sizes))}]"


def open_session(
    directory: Path, card: ModelCard | ReaderCard, contract: Mapping[str, Signature]
) -> ort.InferenceSession:
    """Load `card`'s file from `directory` and check its inputs and outputs.

    Raises:
        ModelFileError: the file is missing, or its SHA-256 is another.
        UnusableModel: ONNX Runtime cannot load it, or it breaks the contract.
    """
    path = directory / card.file
    content = read_model_file(directory, card)
    try:
        session = ort.InferenceSession(content, _options(), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise UnusableModel(f"{path}: ONNX Runtime cannot load it: {error}") from error
    _check_contract(session, path, contract)
    return session


def _options() -> ort.SessionOptions:
    # One thread per session: requests are what runs in parallel. The defaults would size a pool
    # to the host's cores, whatever this process may use, and keep it spinning.
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
        tensor.name: _found(tensor, contract.get(tensor.name))
        for tensor in (*session.get_inputs(), *session.get_outputs())
    }
    expected = {name: str(signature) for name, signature in contract.items()}
    if found != expected:
        raise UnusableModel(
            f"{path}: its inputs and outputs are {_listed(found)}; the model contract says"
            f" {_listed(expected)}"
        )


def _found(tensor: ort.NodeArg, wanted: Signature | None) -> str:
    sizes = tensor.shape
    if wanted and len(wanted.sizes) == len(sizes):
        # What a free size is called does not matter.
        sizes = [
            name if isinstance(name, str) and not isinstance(size, int) else size
            for size, name in zip(sizes, wanted.sizes, strict=True)
        ]
    return str(Signature(tensor.type, sizes))


def _listed(tensors: Mapping[str, str]) -> str:
    return ", ".join(f"{name}: {signature}" for name, signature in tensors.items())
