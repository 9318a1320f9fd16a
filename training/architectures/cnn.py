"""The smallest CNN: one convolution, one pooling, one hidden layer."""

import keras
from keras import layers

TITLE = "CNN"


def body(pixels: keras.KerasTensor) -> keras.KerasTensor:
    """Map pixels [batch, 28, 28, 1] to features [batch, 128]; 693,962 parameters in all."""
    x = layers.Conv2D(32, 3, activation="relu")(pixels)
    x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dropout(0.5)(x)
    return layers.Dense(128, activation="relu")(x)
