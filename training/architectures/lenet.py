"""The first LeNet, of 1989, with the dense head of LeNet-5.

LeCun et al., "Backpropagation Applied to Handwritten Zip Code Recognition", Neural Computation
1(4), 1989: two convolutions of 12 maps of 5x5 with stride 2 instead of pooling. Differences: the
input is 28x28 instead of 16x16, units are ReLU instead of sigmoid, biases are shared within a map,
every map of the second convolution sees all maps of the first (there: 8 of 12), and 120, 84 and 10
units follow (there: 30 and 10).
"""

import keras
from keras import layers

TITLE = "LeNet"


def body(pixels: keras.KerasTensor) -> keras.KerasTensor:
    """Map pixels [batch, 28, 28, 1] to features [batch, 84]; 85,618 parameters in all."""
    x = layers.Conv2D(12, 5, strides=2, padding="same", activation="relu")(pixels)
    x = layers.Conv2D(12, 5, strides=2, padding="same", activation="relu")(x)
    x = layers.Flatten()(x)
    x = layers.Dense(120, activation="relu")(x)
    return layers.Dense(84, activation="relu")(x)
