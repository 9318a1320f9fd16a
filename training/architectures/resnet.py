"""A small residual network with batch normalisation and a dense head.

He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition", CVPR 2016. The stem is
narrow and pooled at once, so the residual blocks work on 14x14, 7x7 and 4x4 maps, which is cheap on
a CPU.
"""

import keras
from keras import layers

TITLE = "ResNet"

STEM_WIDTH = 16
BLOCK_WIDTHS = (32, 64, 128)


def body(pixels: keras.KerasTensor) -> keras.KerasTensor:
    """Map pixels [batch, 28, 28, 1] to features [batch, 128]; 371,114 parameters in all."""
    x = layers.Conv2D(STEM_WIDTH, 3, padding="same", activation="relu")(pixels)
    x = layers.MaxPooling2D()(x)
    for index, width in enumerate(BLOCK_WIDTHS):
        x = _residual_block(x, width, strides=2 if index else 1)
    x = layers.GlobalAveragePooling2D()(x)
    x = layers.Dense(256, activation="relu")(x)
    return layers.Dense(128, activation="relu")(x)


def _residual_block(x: keras.KerasTensor, width: int, strides: int) -> keras.KerasTensor:
    shortcut = _convolution(x, width, 1, strides)
    x = _convolution(x, width, 3, strides)
    x = layers.ReLU()(x)
    x = _convolution(x, width, 3)
    return layers.ReLU()(layers.Add()([x, shortcut]))


def _convolution(
    x: keras.KerasTensor, width: int, size: int, strides: int = 1
) -> keras.KerasTensor:
    # Batch normalisation has a bias.
    x = layers.Conv2D(width, size, strides, padding="same", use_bias=False)(x)
    return layers.BatchNormalization()(x)
