"""Verification of an exported reader against its contract and the Keras model."""

from collections.abc import Iterator, Sequence

import keras
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto
from scipy.special import log_softmax

from export.convert import OPSET
from export.reader.read import Steps
from export.verify import VerificationError
from models.strips import CLASSES, HEIGHT, Grey, pad

MAX_BYTES = 8_000_000
LOGIT_TOLERANCE = 1e-3  # sums over thousands of weights, up to 30
LOG_PROBABILITY_TOLERANCE = 1e-4
_BATCH = 8

_CONTRACT = {
    "image": (TensorProto.UINT8, ["batch", HEIGHT, "width"]),
    "logits": (TensorProto.FLOAT, ["batch", "steps", CLASSES]),
    "log_probabilities": (TensorProto.FLOAT, ["batch", "steps", CLASSES]),
}


def verify(
    exported: onnx.ModelProto, model: keras.Model, strips: Sequence[Grey], *, temperature: float
) -> None:
    """Check `exported` against its contract and against `model` on standardised `strips`.

    Raises:
        VerificationError: lists every fault.
    """
    verify_contract(exported, model.name)
    if wrong := list(_against_keras(exported, model, strips, temperature)):
        raise VerificationError(f"{model.name}: " + "; ".join(dict.fromkeys(wrong)))


def verify_contract(exported: onnx.ModelProto, name: str) -> None:
    """Check `exported` against its contract only.

    Raises:
        VerificationError: lists every fault.
    """
    if wrong := list(_against_contract(exported)):
        raise VerificationError(f"{name}: " + "; ".join(wrong))


def _against_contract(exported: onnx.ModelProto) -> Iterator[str]:
    try:
        onnx.checker.check_model(exported, full_check=True)
    except onnx.checker.ValidationError as error:
        yield f"the ONNX checker reports {error}"
    for value in (*exported.graph.input, *exported.graph.output):
        tensor = value.type.tensor_type
        found = (tensor.elem_type, [d.dim_param or d.dim_value for d in tensor.shape.dim])
        if found != _CONTRACT.get(value.name):
            yield f"{value.name} is {found}, not {_CONTRACT.get(value.name)}"
    opsets = {opset.domain: opset.version for opset in exported.opset_import}
    if opsets.get("") != OPSET:
        yield f"the opset is {opsets.get('')}, not {OPSET}"
    if any(node.op_type == "BatchNormalization" for node in exported.graph.node):
        yield "a BatchNormalization node is not folded into its convolution"
    if exported.ByteSize() > MAX_BYTES:
        yield f"it has {exported.ByteSize():,} bytes, more than {MAX_BYTES:,}"


def _against_keras(
    exported: onnx.ModelProto, model: keras.Model, strips: Sequence[Grey], temperature: float
) -> Iterator[str]:
    session = onnxruntime.InferenceSession(
        exported.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    # One strip and several, to vary both dimensions.
    for size in (1, _BATCH):
        for start in range(0, min(len(strips), 4 * size), size):
            images = pad(strips[start : start + size])
            logits, said = session.run(["logits", "log_probabilities"], {"image": images})
            yield from _differences(logits, said, model.predict_on_batch(images), temperature)


def _differences(logits: Steps, said: Steps, expected: Steps, temperature: float) -> Iterator[str]:
    if logits.shape != expected.shape:
        yield f"logits are {logits.shape}, Keras's are {expected.shape}"
        return
    if (difference := float(np.abs(logits - expected).max())) > LOGIT_TOLERANCE:
        yield f"logits differ from Keras's by {difference:.2g}, allowed {LOGIT_TOLERANCE:g}"
    of_logits = log_softmax(logits.astype(np.float64) / temperature, axis=-1)
    if not np.allclose(said, of_logits, rtol=1e-5, atol=LOG_PROBABILITY_TOLERANCE):
        yield f"log_probabilities are not those of the logits divided by {temperature:g}"
