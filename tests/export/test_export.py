"""From a Keras model to a verified ONNX graph."""

import numpy as np
import pytest

from tests.generated import drawn_mnist

keras = pytest.importorskip("keras", reason="requires the extra 'training' (no TensorFlow here)")
onnx = pytest.importorskip("onnx", reason="requires the extra 'training'")

from export.convert import convert  # noqa: E402
from export.quantise import in_batches, quantise  # noqa: E402
from export.runtime import run  # noqa: E402
from export.verify import VerificationError, verify, verify_contract  # noqa: E402
from training import architectures  # noqa: E402


@pytest.fixture(scope="module")
def images():
    return drawn_mnist(train=1, test=300).test.images


@pytest.mark.parametrize("architecture", architectures.names())
def test_every_architecture_follows_the_contract_and_gives_the_same_bytes(architecture, images):
    keras.utils.set_random_seed(7)
    model = architectures.build(architecture)

    first, second = (convert(model, temperature=1.7) for _ in range(2))

    verify(first, model, images, temperature=1.7)
    serialized = [each.SerializeToString(deterministic=True) for each in (first, second)]
    assert serialized[0] == serialized[1]


def test_a_graph_that_ignores_its_temperature_is_rejected(lenet5, images):
    exported = convert(lenet5, temperature=4.0)
    softmax = next(node for node in exported.graph.node if node.op_type == "Softmax")
    softmax.input[0] = "logits"

    with pytest.raises(VerificationError, match="not the softmax of the logits divided by 4"):
        verify(exported, lenet5, images, temperature=4.0)


@pytest.fixture
def lenet5():
    keras.utils.set_random_seed(7)
    return architectures.build("lenet5")


def test_the_temperature_affects_the_probabilities_only(lenet5, images):
    outputs = run(convert(lenet5, temperature=4.0).SerializeToString(), images)
    plain = run(convert(lenet5).SerializeToString(), images)

    np.testing.assert_array_equal(outputs.logits, plain.logits)
    expected = np.exp(plain.logits / 4)
    expected /= expected.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(outputs.probabilities, expected, rtol=1e-5)


def test_metadata_is_in_the_file(lenet5):
    exported = convert(lenet5, metadata={"recipe": "baseline"})
    assert {p.key: p.value for p in exported.metadata_props} == {"recipe": "baseline"}


def test_a_graph_with_other_weights_is_rejected(lenet5, images):
    other = convert(architectures.build("lenet5"))
    with pytest.raises(VerificationError, match="logits differ from Keras's by"):
        verify(other, lenet5, images)


def test_a_graph_with_another_input_type_is_rejected(lenet5, images):
    exported = convert(lenet5)
    exported.graph.input[0].type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    cast = next(node for node in exported.graph.node if node.op_type == "Cast")
    cast.op_type = "Identity"
    del cast.attribute[:]
    with pytest.raises(VerificationError, match="image is"):
        verify(exported, lenet5, images)


def test_a_fixed_batch_is_rejected(lenet5, images):
    exported = convert(lenet5)
    exported.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    with pytest.raises(VerificationError, match="image is"):
        verify(exported, lenet5, images)


def test_an_unfolded_batch_normalisation_is_rejected(lenet5, images):
    exported = convert(lenet5)
    statistics = [f"statistic_{index}" for index in range(4)]
    for name in statistics:
        ones = onnx.numpy_helper.from_array(np.ones(10, np.float32), name)
        exported.graph.initializer.append(ones)
    exported.graph.node.append(
        onnx.helper.make_node("BatchNormalization", ["logits", *statistics], ["normalised"])
    )

    with pytest.raises(VerificationError, match="BatchNormalization"):
        verify(exported, lenet5, images)


def test_an_8_bit_variant_follows_the_contract(lenet5, images):
    full = convert(lenet5, metadata={"recipe": "baseline"})
    small = quantise(full, in_batches(images))

    verify_contract(small, "small")
    assert small.ByteSize() < full.ByteSize() / 2
    assert {p.key for p in small.metadata_props} >= {"recipe"}
    outputs, reference = (run(graph.SerializeToString(), images) for graph in (small, full))
    # An untrained model has near ties; a wrong scale or zero point would change most answers.
    assert np.mean(outputs.answers == reference.answers) > 0.8
