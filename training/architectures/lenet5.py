"""LeNet-5: two convolutions with pooling, then dense layers of 120 and 84 units.

LeCun, Bottou, Bengio and Haffner, "Gradient-Based Learning Applied to Document Recognition",
Proceedings of the IEEE 86(11), 1998. Differences: the first convolution pads the image (there:
32x32 images), units are ReLU instead of sigmoid, pooling takes the maximum instead of a scaled
mean, every map of the second convolution sees all six of the first (there: 3 to 6), and a softmax
replaces the radial basis functions.
"""

import keras
from keras import layers

TITLE = "LeNet-5"


def body(pixels: keras.KerasTensor) -> keras.KerasTensor:
    """Map pixels [batch, 28, 28, 1] to features [batch, 84]; 61,706 parameters in all."""
    x = layers.Conv2D(6, 5, padding="same", activation="relu")(pixels)
    x = layers.MaxPooling2D()(x)
    x = layers.Conv2D(16, 5, activation="relu")(x)
    x = layers.MaxPooling2D()(x)
    x = layers.Flatten()(x)
    x = layers.Dense(120, activation="relu")(x)
    return layers.Dense(84, activation="relu")(x)
