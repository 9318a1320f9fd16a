"""Input of the field reader, identical in training, export and service.

>>> strip = standardise(grey)  # grey: uint8 [height, width], of any size
>>> images = pad([strip.pixels, other.pixels])  # uint8 [2, 40, widest], the reader's input
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]  # [height, width]

# Classes of the reader: the blank of CTC, then the symbols in this order.
DIGITS = "0123456789"
SEPARATORS = ".,-=#"
FRACTIONS = "/_"  # a slash; cents raised or stacked, with a line below
SIGNS = "$*x"  # a dollar sign, any other sign, any letter
SYMBOLS = DIGITS + SEPARATORS + FRACTIONS + SIGNS
BLANK = 0
CLASSES = 1 + len(SYMBOLS)

HEIGHT = 40  # rows of the input
STRIDE = 4  # columns per step of the output
MARGIN = 8  # columns of paper at both ends, for strokes that touch them
MAX_WIDTH = 1024  # columns, including margins; a longer strip is scaled down
BUCKET = 32  # widths of batches are multiples of this: few shapes, little padding

PAPER = 192  # grey of standardised paper, and of padding
_INK = 32  # grey of the darkest ink
_DARK, _LIGHT = 0.5, 99.5  # percentiles: a single digit on a long strip covers no more
_LEVELS = 256
_MIN_CONTRAST = 24.0  # grey values; less is grain of the paper
_LIGHTER = 2.0  # light ink if the light is that many times as far from the paper as the dark


@dataclass(frozen=True)
class Strip:
    """A strip as the input of the reader, and its position in the picture.

    `pixels` is uint8 [HEIGHT, width], width a multiple of STRIDE; its column x and row y are the
    picture at ((x - MARGIN) / scale, (y - top) / scale).
    """

    pixels: Grey
    scale: float
    top: int


def standardise(grey: Grey) -> Strip:
    """Scale a strip to the reader's height, and its greys to the reader's paper and ink.

    The median grey is the paper, and the grey farthest from it is the ink, darker or lighter.
    """
    height, width = grey.shape
    scale = min(HEIGHT / height, (MAX_WIDTH - 2 * MARGIN) / width)
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = np.asarray(cv2.resize(grey, (columns, rows), interpolation=method), np.uint8)
    top = (HEIGHT - rows) // 2
    padded_width = -(-(columns + 2 * MARGIN) // STRIDE) * STRIDE
    pixels = np.full((HEIGHT, padded_width), PAPER, np.uint8)
    pixels[top : top + rows, MARGIN : MARGIN + columns] = _level(small)
    return Strip(pixels, scale, top)


def pad(strips: Sequence[Grey]) -> NDArray[np.uint8]:
    """Pad standardised strips [HEIGHT, width] to a batch [N, HEIGHT, widest].

    The width is rounded up to a multiple of BUCKET.
    """
    widest = -(-max(strip.shape[1] for strip in strips) // BUCKET) * BUCKET
    batch = np.full((len(strips), HEIGHT, widest), PAPER, np.uint8)
    for place, strip in zip(batch, strips, strict=True):
        place[:, : strip.shape[1]] = strip
    return batch


def _level(grey: Grey) -> Grey:
    dark, paper, light = percentiles(grey, (_DARK, 50, _LIGHT))
    if light - paper > _LIGHTER * (paper - dark):
        sign, contrast = -1.0, light - paper
    else:
        sign, contrast = 1.0, paper - dark
    gain = sign * (PAPER - _INK) / max(contrast, _MIN_CONTRAST)
    table = PAPER + (np.arange(_LEVELS) - paper) * gain
    levels = np.clip(np.rint(table), 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(grey, levels), np.uint8)


def percentiles(grey: Grey, shares: Sequence[float]) -> list[float]:
    """Return what NumPy's `percentile` does, from a histogram, which is faster."""
    counts = cv2.calcHist([grey], [0], None, [_LEVELS], [0, _LEVELS])
    up_to = counts.ravel().cumsum(dtype=np.int64)
    found = []
    for share in shares:
        rank, between = divmod(share / 100 * (grey.size - 1), 1)
        low, high = up_to.searchsorted([rank, rank + (between > 0)], side="right").tolist()
        step = high - low
        found.append(low + step * between if between < 0.5 else high - step * (1 - between))
    return found
