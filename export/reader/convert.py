"""Conversion of the Keras reader to ONNX, following its contract, in 32 or 8 bits."""

from collections.abc import Iterable, Mapping

import keras
import onnx
import tensorflow as tf
import tf2onnx

from export.convert import OPSET, canonicalise
from export.quantise import quantise
from models.strips import CLASSES, HEIGHT, Grey, pad


class _LogSoftmax(keras.layers.Layer):
    def call(self, logits: keras.KerasTensor) -> keras.KerasTensor:
        return keras.ops.log_softmax(logits, axis=-1)


def convert(
    model: keras.Model, *, temperature: float = 1.0, metadata: Mapping[str, str] | None = None
) -> onnx.ModelProto:
    """Convert the network of `training.reader.architecture`, with the calibration in the graph.

    Input `image` uint8 [batch, 40, width]; outputs `logits` float32 [batch, steps, classes], as
    trained, and `log_probabilities`, the logarithm of the softmax of the logits divided by
    `temperature`. The same weights give the same bytes.
    """
    logits = model.get_layer("logits").output
    # tf2onnx names the outputs after their layers.
    scaled = keras.layers.Rescaling(1 / temperature, name="temperature")(logits)
    log_probabilities = _LogSoftmax(name="log_probabilities")(scaled)
    graph = keras.Model(model.input, [logits, log_probabilities], name=model.name)
    signature = [tf.TensorSpec((None, HEIGHT, None), tf.uint8, name="image")]
    converted, _ = tf2onnx.convert.from_keras(graph, signature, opset=OPSET)
    _name_dimensions(converted.graph.input, ("batch", HEIGHT, "width"))
    _name_dimensions(converted.graph.output, ("batch", "steps", CLASSES))
    converted.graph.name = model.name
    canonicalise(converted.graph)
    onnx.helper.set_model_props(converted, dict(metadata or {}))
    return converted


def in_eight_bits(converted: onnx.ModelProto, strips: Iterable[Grey]) -> onnx.ModelProto:
    """Quantise what `convert` returns, with ranges from standardised `strips`.

    The first convolution, with one channel, is as fast in 32 bits; the last one makes the logits.
    """
    nodes = list(converted.graph.node)
    # Up to its ReLU: ONNX Runtime quantises the weights of a convolution between 8-bit tensors.
    stem = 1 + next(place for place, node in enumerate(nodes) if node.op_type == "Relu")
    last = [node.name for node in nodes if node.op_type == "Conv"][-1]
    exact = [*(node.name for node in nodes[:stem]), last]
    return quantise(converted, (pad([strip]) for strip in strips), exact)


def _name_dimensions(values: list[onnx.ValueInfoProto], names: tuple[str | int, ...]) -> None:
    for value in values:
        del value.type.tensor_type.shape.dim[:]
        for name in names:
            dimension = value.type.tensor_type.shape.dim.add()
            if isinstance(name, str):
                dimension.dim_param = name
            else:
                dimension.dim_value = name
