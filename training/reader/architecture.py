"""The network: residual convolutions that keep the columns, then context along the line.

Residual blocks after He, Zhang, Ren and Sun, "Deep Residual Learning for Image Recognition",
CVPR 2016; the collapse of the height into the channels after Shi, Bai and Yao, "An End-to-End
Trainable Neural Network for Image-based Sequence Recognition", PAMI 2017, with convolutions
instead of recurrent layers.
"""

import keras
from keras import layers

from models.strips import CLASSES, HEIGHT, PAPER

TITLE = "Field reader"
NAME = "reader"

STEM_WIDTH = 24
WIDTHS = (32, 64, 128)  # at 1/2, 1/4 and 1/8 of the height
BLOCKS = (1, 2, 2)
CONTEXT_WIDTH = 192
CONTEXT_SIZE = 5  # steps
CONTEXT_BLOCKS = 3
DROPOUT = 0.2
_GREY_SCALE = 80.0  # approximate deviation of greys; paper becomes zero, like padding


def build() -> keras.Model:
    """Build the network: strips uint8 [batch, 40, width] to logits [batch, width / 4, classes].

    The width must be a multiple of the stride, 4.
    """
    image = keras.Input((HEIGHT, None), dtype="uint8", name="image")
    x = layers.Rescaling(1 / _GREY_SCALE, -PAPER / _GREY_SCALE, name="scale")(image)
    x = layers.Reshape((HEIGHT, -1, 1), name="channel")(x)
    x = _convolution(x, STEM_WIDTH, 5, 2)
    x = layers.ReLU()(x)
    strides = (1, 2, (2, 1))
    for width, blocks, stride in zip(WIDTHS, BLOCKS, strides, strict=True):
        for block in range(blocks):
            x = _residual_block(x, width, 1 if block else stride)
    x = layers.Conv2D(CONTEXT_WIDTH, (HEIGHT // 8, 1), use_bias=False)(x)
    x = layers.ReLU()(layers.BatchNormalization()(x))
    for _ in range(CONTEXT_BLOCKS):
        x = _context(x)
    x = layers.Dropout(DROPOUT)(x)
    x = layers.Conv2D(CLASSES, 1)(x)
    logits = layers.Reshape((-1, CLASSES), name="logits")(x)
    return keras.Model(image, logits, name=NAME)


def _residual_block(
    x: keras.KerasTensor, width: int, strides: int | tuple[int, int]
) -> keras.KerasTensor:
    shortcut = x
    if x.shape[-1] != width or strides != 1:
        shortcut = _convolution(x, width, 1, strides)
    x = layers.ReLU()(_convolution(x, width, 3, strides))
    x = _convolution(x, width, 3, 1)
    return layers.ReLU()(layers.Add()([x, shortcut]))


def _context(x: keras.KerasTensor) -> keras.KerasTensor:
    wide = layers.ReLU()(_convolution(x, CONTEXT_WIDTH, (1, CONTEXT_SIZE), 1))
    wide = layers.Dropout(DROPOUT)(wide)
    wide = _convolution(wide, CONTEXT_WIDTH, 1, 1)
    return layers.ReLU()(layers.Add()([x, wide]))


def _convolution(
    x: keras.KerasTensor,
    width: int,
    size: int | tuple[int, int],
    strides: int | tuple[int, int],
) -> keras.KerasTensor:
    # Batch normalisation has a bias.
    x = layers.Conv2D(width, size, strides, padding="same", use_bias=False)(x)
    return layers.BatchNormalization()(x)
