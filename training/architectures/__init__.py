"""The architectures: a module each, found by its name; a new one needs no change elsewhere.

Every module offers `TITLE` and `body`, which maps pixels float32 [batch, 28, 28, 1] in [0, 1] to
features [batch, n]. `build` puts the common ends on it:

    >>> model = build("lenet5")
    >>> model.input.dtype, model.output.shape
    ('uint8', (None, 10))
"""

import pkgutil
from importlib import import_module
from typing import Protocol, cast

import keras

CLASSES = 10


class Architecture(Protocol):
    """What a module of this package offers."""

    TITLE: str

    def body(self, pixels: keras.KerasTensor) -> keras.KerasTensor:
        """Map pixels float32 [batch, 28, 28, 1] in [0, 1] to features [batch, n]."""


def names() -> list[str]:
    """The names of all architectures, in alphabetical order."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def architecture(name: str) -> Architecture:
    """The architecture called `name`.

    Raises:
        ValueError: there is none of that name.
    """
    if name not in names():
        raise ValueError(f"no architecture {name!r}; there are {', '.join(names())}")
    return cast("Architecture", import_module(f"{__name__}.{name}"))


def build(name: str) -> keras.Model:
    """An untrained model: images uint8 [batch, 28, 28] to probabilities [batch, 10].

    The layers `logits` and `probabilities` are the last two, in every architecture.

    Raises:
        ValueError: there is no architecture of that name.
    """
    body = architecture(name).body
    image = keras.Input((28, 28), dtype="uint8", name="image")
    pixels = keras.layers.Rescaling(1 / 255, name="scale")(image)
    features = body(keras.layers.Reshape((28, 28, 1), name="channel")(pixels))
    logits = keras.layers.Dense(CLASSES, name="logits")(features)
    probabilities = keras.layers.Softmax(name="probabilities")(logits)
    return keras.Model(image, probabilities, name=name)
