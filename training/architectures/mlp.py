"""A multilayer perceptron with two hidden layers: the plain artificial neural network."""

import keras
from keras import layers

TITLE = "MLP"


def body(pixels: keras.KerasTensor) -> keras.KerasTensor:
    """Pixels [batch, 28, 28, 1] to features [batch, 64]; 109,386 parameters with the output."""
    x = layers.Flatten()(pixels)
    x = layers.Dense(128, activation="relu")(x)
    return layers.Dense(64, activation="relu")(x)
