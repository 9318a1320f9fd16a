"""Conversion of a Keras model to ONNX, following the model contract."""

import re
from collections.abc import Mapping

import keras
import onnx
import tensorflow as tf
import tf2onnx

# 18 turns GlobalAveragePool into Transpose and ReduceMean; tf2onnx refuses 19 and up.
OPSET = 17


def convert(
    model: keras.Model, *, temperature: float = 1.0, metadata: Mapping[str, str] | None = None
) -> onnx.ModelProto:
    """Convert a model of `training.architectures` to ONNX, with the calibration in the graph.

    Input `image` uint8 [batch, 28, 28]; outputs `logits` float32 [batch, 10], as trained, and
    `probabilities` float32 [batch, 10], the softmax of the logits divided by `temperature`. A model
    with an output `outlier` keeps it, as float32 [batch]. The same weights give the same bytes.
    """
    logits = model.get_layer("logits").output
    # tf2onnx names the outputs after their layers.
    scaled = keras.layers.Rescaling(1 / temperature, name="temperature")(logits)
    probabilities = keras.layers.Softmax(name="probabilities")(scaled)
    outputs = [logits, probabilities]
    if has_outlier(model):
        score = keras.layers.Reshape(())(model.get_layer("outlier_score").output)
        outputs.append(keras.layers.Activation("sigmoid", name="outlier")(score))
    graph = keras.Model(model.input, outputs, name=model.name)
    signature = [tf.TensorSpec((None, 28, 28), tf.uint8, name="image")]
    converted, _ = tf2onnx.convert.from_keras(graph, signature, opset=OPSET)
    for value in (*converted.graph.input, *converted.graph.output):
        value.type.tensor_type.shape.dim[0].dim_param = "batch"
    converted.graph.name = model.name
    canonicalise(converted.graph)
    onnx.helper.set_model_props(converted, dict(metadata or {}))
    return converted


def has_outlier(model: keras.Model) -> bool:
    """Whether a Keras model has the output `outlier`."""
    return isinstance(model.output, dict) and "outlier" in model.output


def canonicalise(graph: onnx.GraphProto) -> None:
    """Rename what tf2onnx named by a counter, and sort the initializers by their first use.

    The counter continues from model to model, and which of several equal constants remains depends
    on the order of a set.
    """
    names: dict[str, str] = {}

    def rename(name: str) -> str:
        made_up = re.search(r"__\d+", name) is not None
        return names.setdefault(name, f"{graph.name}/{len(names)}" if made_up else name)

    for node in graph.node:
        node.name = rename(node.name)
        node.input[:] = map(rename, node.input)
        node.output[:] = map(rename, node.output)
    for initializer in graph.initializer:
        initializer.name = rename(initializer.name)
    used = {name: place for place, name in enumerate(names.values())}
    graph.initializer.sort(key=lambda initializer: used[initializer.name])
    # Redundant shapes, under the old names.
    del graph.value_info[:]
