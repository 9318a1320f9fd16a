"""Published models and readers that are loaded, or rejected by the model contract."""

from importlib.util import find_spec

import numpy as np
import pytest

from models.manifest import (
    PACKAGE_DIRECTORY,
    ModelFileError,
    load_manifest,
    sha256_of,
    version_of,
)
from models.strips import BUCKET, HEIGHT, STRIDE, pad, standardise
from service.imaging import decode
from service.inference.sessions import (
    LARGEST_MICRO_BATCH,
    UnusableModel,
    open_classifier,
    open_reader,
)
from tests.strips import bars, publish_reader

needs_onnx = pytest.mark.skipif(find_spec("onnx") is None, reason="onnx is not installed")

CARDS = load_manifest(PACKAGE_DIRECTORY).models


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
@pytest.mark.parametrize("count", [1, 7, LARGEST_MICRO_BATCH])
def test_a_published_model_answers_batches_of_any_size(card, count):
    images = np.random.default_rng(1).integers(0, 256, (count, 28, 28), np.uint8)

    scored = open_classifier(PACKAGE_DIRECTORY, card).run(images)

    assert scored.logits.shape == scored.probabilities.shape == (count, 10)
    np.testing.assert_allclose(scored.probabilities.sum(axis=1), 1.0, atol=1e-5)


def test_no_images_have_no_scores():
    scored = open_classifier(PACKAGE_DIRECTORY, CARDS[0]).run(np.empty((0, 28, 28), np.uint8))

    assert scored.probabilities.shape == (0, 10)


def test_a_changed_file_is_refused(models_copy):
    with (models_copy / CARDS[0].file).open("ab") as file:
        file.write(b"\0")

    with pytest.raises(ModelFileError, match=f"{CARDS[0].file}.*sha256"):
        open_classifier(models_copy, CARDS[0])


def test_a_file_that_is_no_model_is_refused(models_copy):
    card = _publish(models_copy, b"no model")

    with pytest.raises(UnusableModel, match=card.file):
        open_classifier(models_copy, card)


@pytest.mark.parametrize(
    ("input_name", "shape"), [("picture", ["batch", 28, 28]), ("image", ["batch", 28, 28, 1])]
)
def test_a_model_with_other_inputs_is_refused(models_copy, input_name, shape):
    onnx = pytest.importorskip("onnx")
    images = onnx.helper.make_tensor_value_info(input_name, onnx.TensorProto.UINT8, shape)
    scores = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, ["batch", 10])
        for name in ("logits", "probabilities")
    ]
    weights = onnx.numpy_helper.from_array(np.ones((784, 10), np.float32), "weights")
    nodes = [
        onnx.helper.make_node("Cast", [input_name], ["cast"], to=onnx.TensorProto.FLOAT),
        onnx.helper.make_node("Flatten", ["cast"], ["flat"]),
        onnx.helper.make_node("MatMul", ["flat", "weights"], ["logits"]),
        onnx.helper.make_node("Softmax", ["logits"], ["probabilities"]),
    ]
    graph = onnx.helper.make_graph(nodes, "other", [images], scores, [weights])
    opset = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(graph, opset_imports=opset, ir_version=8)
    card = _publish(models_copy, model.SerializeToString())

    with pytest.raises(UnusableModel, match="model contract"):
        open_classifier(models_copy, card)


@needs_onnx
def test_a_reader_returns_a_step_for_every_few_columns_of_each_strip(models_copy):
    strip = standardise(decode(bars("#42"), max_pixels=10**6)).pixels

    scores = open_reader(models_copy, publish_reader(models_copy)).run(pad([strip, strip]))

    assert scores.shape[:2] == (2, BUCKET * -(-strip.shape[1] // BUCKET) // STRIDE)


@needs_onnx
@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("STRIDE", 2 * STRIDE, "it returns 32 steps for 256 columns; the model contract says 64"),
        ("HEIGHT", HEIGHT + 8, "the model contract says image"),
    ],
)
def test_a_reader_of_other_strips_is_refused(models_copy, monkeypatch, name, value, message):
    monkeypatch.setattr(f"tests.strips.{name}", value)
    card = publish_reader(models_copy)

    with pytest.raises(UnusableModel, match=message):
        open_reader(models_copy, card)


def _publish(folder, content):
    sha256 = sha256_of(content)
    (folder / CARDS[0].file).write_bytes(content)
    return CARDS[0].model_copy(update={"sha256": sha256, "version": version_of(sha256)})
