"""The five architectures, as the field knows them."""

import pytest

keras = pytest.importorskip("keras", reason="needs the extra 'training' (no TensorFlow here)")

from training import architectures  # noqa: E402


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
def test_parameters_are_counted_as_published(name, parameters):
    assert architectures.build(name).count_params() == parameters


@pytest.mark.parametrize("name", architectures.names())
def test_every_architecture_maps_uint8_images_to_ten_probabilities(name):
    model = architectures.build(name)

    assert model.input.dtype == "uint8"
    assert model.input.shape == (None, 28, 28)
    assert model.output.shape == (None, 10)
    assert model.output is model.get_layer("probabilities").output


def dense_units(name):
    layers = architectures.build(name).layers
    return [layer.units for layer in layers if isinstance(layer, keras.layers.Dense)]


@pytest.mark.parametrize(
    ("name", "units"),
    [
        ("mlp", [128, 64, 10]),
        ("cnn", [128, 10]),
        ("lenet", [120, 84, 10]),
        ("lenet5", [120, 84, 10]),
        ("resnet", [256, 128, 10]),
    ],
)
def test_the_dense_layers_are_those_that_the_models_are_known_by(name, units):
    assert dense_units(name) == units


def test_the_cnn_flattens_to_5408_values():
    flatten = next(
        layer
        for layer in architectures.build("cnn").layers
        if isinstance(layer, keras.layers.Flatten)
    )
    assert flatten.output.shape == (None, 5408)


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"no architecture 'vgg'; there are .*lenet5"):
        architectures.build("vgg")
