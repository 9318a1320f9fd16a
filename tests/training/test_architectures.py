"""The architectures."""

import pytest

pytest.importorskip("keras", reason="requires the extra 'training' (no TensorFlow here)")

from training import architectures


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("mlp", 109_386),
        ("cnn", 693_962),
        ("lenet", 85_618),
        ("lenet5", 61_706),
        ("resnet", 371_114),
    ],
)
def test_parameter_counts(name, parameters):
    assert architectures.build(name).count_params() == parameters


@pytest.mark.parametrize("name", architectures.names())
def test_every_architecture_maps_uint8_images_to_ten_probabilities(name):
    model = architectures.build(name)

    assert model.input.dtype == "uint8"
    assert model.input.shape == (None, 28, 28)
    assert model.output.shape == (None, 10)
    assert model.output is model.get_layer("probabilities").output


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"no architecture 'vgg'; choose from .*lenet5"):
        architectures.build("vgg")
