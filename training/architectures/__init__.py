"""The architectures: one module each, found by its name; a new one needs no change elsewhere.

Every module has a `TITLE` and a function `body` from pixels float32 [batch, 28, 28, 1] in [0, 1] to
features [batch, n]. `build` adds the common input and output:

    >>> model = build("lenet5")
    >>> model.input.dtype, model.output.shape
    ('uint8', (None, 10))
"""

import pkgutil
from importlib import import_module
from typing import TYPE_CHECKING, Protocol, cast

if TYPE_CHECKING:
    import keras

CLASSES = 10


class Architecture(Protocol):
    """Interface of the modules of this package."""

    TITLE: str

    def body(self, pixels: "keras.KerasTensor") -> "keras.KerasTensor":
        """Map pixels float32 [batch, 28, 28, 1] in [0, 1] to features [batch, n]."""


def names() -> list[str]:
    """Return the names of all architectures, in alphabetical order."""
    return sorted(module.name for module in pkgutil.iter_modules(__path__))


def architecture(name: str) -> Architecture:
    """Return the architecture `name`.

    Raises:
        ValueError: it does not exist.
    """
    if name not in names():
        raise ValueError(f"no architecture {name!r}; choose from {', '.join(names())}")
    return cast("Architecture", import_module(f"{__name__}.{name}"))


def build(name: str, *, outlier: bool = False) -> "keras.Model":
    """Build an untrained model from images uint8 [batch, 28, 28] to probabilities [batch, 10].

    In every architecture, the last two layers are `logits` and `probabilities`. With `outlier` the
    outputs are a dictionary: `probabilities`, and the probability `outlier` [batch, 1] that the
    image shows no digit, the sigmoid of the layer `outlier_score`.

    Raises:
        ValueError: the architecture does not exist.
    """
    # Imported here because the names of the architectures are needed without Keras.
    import keras  # noqa: PLC0415

    body = architecture(name).body
    image = keras.Input((28, 28), dtype="uint8", name="image")
    pixels = keras.layers.Rescaling(1 / 255, name="scale")(image)
    features = body(keras.layers.Reshape((28, 28, 1), name="channel")(pixels))
    logits = keras.layers.Dense(CLASSES, name="logits")(features)
    probabilities = keras.layers.Softmax(name="probabilities")(logits)
    if not outlier:
        return keras.Model(image, probabilities, name=name)
    score = keras.layers.Dense(1, name="outlier_score")(features)
    outputs = {
        "probabilities": probabilities,
        "outlier": keras.layers.Activation("sigmoid", name="outlier")(score),
    }
    return keras.Model(image, outputs, name=name)
