"""Verification of an exported graph against the model contract and the Keras model."""

from collections.abc import Iterator

import keras
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto
from scipy.special import softmax

from export.convert import OPSET, has_outlier
from export.publish import PublishError
from export.runtime import Outputs, run

LOGIT_TOLERANCE = 1e-4
PROBABILITY_TOLERANCE = 1e-5
BATCH_SIZES = (1, 2, 7, 256)
MAX_BYTES = 10_000_000

_CONTRACT = {
    "image": (TensorProto.UINT8, ["batch", 28, 28]),
    "logits": (TensorProto.FLOAT, ["batch", 10]),
    "probabilities": (TensorProto.FLOAT, ["batch", 10]),
}
_OPTIONAL = {"outlier": (TensorProto.FLOAT, ["batch"])}


class VerificationError(PublishError):
    """An exported graph must not be published; the message lists the faults."""


def verify(
    exported: onnx.ModelProto,
    model: keras.Model,
    images: NDArray[np.uint8],
    *,
    temperature: float = 1.0,
) -> None:
    """Check `exported` against the model contract and against `model` on `images` [N, 28, 28].

    Raises:
        VerificationError: lists every fault.
    """
    verify_contract(exported, model.name)
    content = exported.SerializeToString()
    outputs = run(content, images)
    wrong = [
        *_against_keras(outputs, model, images),
        *_against_temperature(outputs, temperature),
        *_against_batch_size(content, outputs, images),
    ]
    if wrong:
        raise VerificationError(f"{model.name}: " + "; ".join(wrong))


def verify_contract(exported: onnx.ModelProto, name: str) -> None:
    """Check `exported` against the model contract only.

    Raises:
        VerificationError: lists every fault.
    """
    if wrong := _against_contract(exported):
        raise VerificationError(f"{name}: " + "; ".join(wrong))


def _against_contract(exported: onnx.ModelProto) -> list[str]:
    try:
        onnx.checker.check_model(exported, full_check=True)
    except onnx.checker.ValidationError as error:
        return [f"the ONNX checker reports {error}"]
    wrong = []
    contract = dict(_CONTRACT)
    if any(output.name in _OPTIONAL for output in exported.graph.output):
        contract |= _OPTIONAL
    values = {value.name: value for value in (*exported.graph.input, *exported.graph.output)}
    if values.keys() != contract.keys():
        wrong.append(f"inputs and outputs are {', '.join(values)}, not {', '.join(contract)}")
    for name in values.keys() & contract.keys():
        tensor = values[name].type.tensor_type
        found = (tensor.elem_type, [d.dim_param or d.dim_value for d in tensor.shape.dim])
        if found != contract[name]:
            wrong.append(f"{name} is {found}, not {contract[name]}")
    opsets = {opset.domain: opset.version for opset in exported.opset_import}
    if opsets.get("") != OPSET:
        wrong.append(f"the opset is {opsets.get('')}, not {OPSET}")
    if any(node.op_type == "BatchNormalization" for node in exported.graph.node):
        wrong.append("a BatchNormalization node is not folded into its convolution")
    if exported.ByteSize() > MAX_BYTES:
        wrong.append(f"it has {exported.ByteSize():,} bytes, more than {MAX_BYTES:,}")
    return wrong


def _against_keras(
    outputs: Outputs, model: keras.Model, images: NDArray[np.uint8]
) -> Iterator[str]:
    layers = ["logits", *(["outlier"] if has_outlier(model) else [])]
    reference = keras.Model(model.input, {name: model.get_layer(name).output for name in layers})
    expected = reference.predict(images, batch_size=256, verbose=0)
    logits = expected["logits"]
    if disagreeing := int(np.sum(outputs.answers != logits.argmax(axis=1))):
        yield f"{disagreeing} of {len(images):,} answers differ from Keras's"
    if (difference := float(np.abs(outputs.logits - logits).max())) > LOGIT_TOLERANCE:
        yield f"logits differ from Keras's by {difference:.2g}, allowed {LOGIT_TOLERANCE:g}"
    score = expected.get("outlier", np.zeros((len(images), 1), np.float32))[:, 0]
    if not np.allclose(outputs.outlier, score, rtol=0, atol=PROBABILITY_TOLERANCE):
        yield "outlier differs from Keras's"


def _against_temperature(outputs: Outputs, temperature: float) -> Iterator[str]:
    expected = softmax(outputs.logits / temperature, axis=1)
    if not np.allclose(outputs.probabilities, expected, rtol=0, atol=PROBABILITY_TOLERANCE):
        yield f"probabilities are not the softmax of the logits divided by {temperature:g}"


def _against_batch_size(
    content: bytes, outputs: Outputs, images: NDArray[np.uint8]
) -> Iterator[str]:
    for size in BATCH_SIZES:
        part = run(content, images[:size], batch=size)
        if not np.allclose(part.logits, outputs.logits[:size], rtol=0, atol=LOGIT_TOLERANCE):
            yield f"a batch of {size} gives other logits than other batch sizes"
