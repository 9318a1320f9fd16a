"""A multilayer perceptron with two hidden layers."""

import keras
from keras import layers

TITLE = "MLP"


def body(pixels: keras.KerasTensor) -> keras.KerasTensor:
    """Map pixels [batch, 28, 28, 1] to features [batch, 64]; 109,386 parameters in all."""
    x = layers.Flatten()(pixels)
    x = layers.Dense(128, activation="relu")(x)
    return layers.Dense(64, activation="relu")(x)
