"""A small network of depthwise-separable convolutions, for small devices.

Howard et al., "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision
Applications", 2017: the same blocks, much narrower and shallower for 28x28 images.
"""

import keras
from keras import layers

TITLE = "MobileNet"

STEM_WIDTH = 16
BLOCKS = ((32, 1), (48, 2), (64, 1), (96, 2), (128, 1))  # width, strides


def body(pixels: keras.KerasTensor) -> keras.KerasTensor:
    """Map pixels [batch, 28, 28, 1] to features [batch, 128]; 29,850 parameters in all."""
    x = _normalised(layers.Conv2D(STEM_WIDTH, 3, 2, padding="same", use_bias=False)(pixels))
    for width, strides in BLOCKS:
        x = _normalised(layers.DepthwiseConv2D(3, strides, padding="same", use_bias=False)(x))
        x = _normalised(layers.Conv2D(width, 1, use_bias=False)(x))
    return layers.GlobalAveragePooling2D()(x)


def _normalised(x: keras.KerasTensor) -> keras.KerasTensor:
    return layers.ReLU()(layers.BatchNormalization()(x))
