"""Marks that are not writing: borders, frames, neighbours, printed lines."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from service.imaging.greyscale import Picture, as_picture

# A border is a band of one tone along a side, of at most this share of the picture. Its outermost
# line has hardly a pixel of the other tone; the picture beyond it has mostly that tone.
_WIDEST_BORDER = 0.25
_BORDER_PURITY = 0.98
_BEYOND_BORDER = 0.4

# In a picture of fewer pixels across, a margin beside a stroke looks like a border.
_LEAST_SIDE = 24

# A frame surrounds a piece of at least this share of its own height. Only the largest pieces are
# compared.
_HIGH_INSIDE = 0.4
_LARGEST_PIECES = 8

# Beside a digit that itself touches the rim, a piece at the left or right belongs to a neighbour if
# it takes at most this share of the picture's width and less than these of the digit's height and
# area. Chosen on half of the digits cut from ORAND-CAR-A; a higher piece may be a digit.
_NEIGHBOUR_WIDTH = 0.4
_NEIGHBOUR_HEIGHT = 0.6
_NEIGHBOUR_AREA = 0.5

# The middles of printed lines and of ink have two tones, which explain nearly all their variance:
# 0.98 or more of it on ruled, squared and security paper; on plain paper 0.8 or less, or the two
# tones are nearly the same.
_TWO_TONES = 0.95
_PRINT_TONE = 0.85
_FEWEST_OF_A_TONE = 0.05
_FEWEST_MIDDLES = 50


def without_borders(picture: Picture) -> Picture:
    """Cut off the dark or light bands along the sides, such as the edge of a scanner's bed."""
    if min(picture.shape) < _LEAST_SIDE:
        return picture
    light = cv2.threshold(picture, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)[1]
    rows, columns = (
        cv2.reduce(light, axis, cv2.REDUCE_AVG, dtype=cv2.CV_32F).ravel() for axis in (1, 0)
    )
    top, bottom = _border(rows), len(rows) - _border(rows[::-1])
    left, right = _border(columns), len(columns) - _border(columns[::-1])
    return picture[top:bottom, left:right]


def written(
    pieces: NDArray[Any], areas: NDArray[np.int_], shape: tuple[int, ...]
) -> NDArray[np.bool_]:
    """Select the pieces that may be writing: no frames, no parts of neighbours cut off by the rim.

    Args:
        pieces: [N, 5], OpenCV's statistics of connected components.
        areas: [N], their areas; 0 for a piece to ignore.
        shape: height and width of the picture.

    Returns:
        bool [N].
    """
    selected = (areas > 0) & ~_frames(pieces, areas)
    largest = np.where(selected, areas, 0).argmax()
    on_rim = _touches_rim(pieces, shape)
    if on_rim[largest]:
        selected &= ~_neighbours(pieces, areas, largest, width=shape[1])
    else:
        selected &= ~on_rim
    return np.asarray(selected)


def print_edge(contrast: Picture, faintest: int) -> int:
    """Return the grey level that separates ink from printed lines of a fainter tone.

    Compares the middles of strokes and lines, which have no soft edge.

    Args:
        contrast: uint8 [height, width], the difference of each pixel from the paper.
        faintest: the level that separates ink and print from paper; returned if there is no print.
    """
    ridge = as_picture(cv2.compare(contrast, cv2.dilate(contrast, np.ones((3, 3))), cv2.CMP_GE))
    middles = contrast[ridge.view(np.bool_) & (contrast > faintest)]
    if len(middles) < _FEWEST_MIDDLES:
        return faintest
    threshold, _ = cv2.threshold(middles, 0, 1, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    is_ink = middles > threshold
    share = float(is_ink.mean())
    if not _FEWEST_OF_A_TONE < share < 1.0 - _FEWEST_OF_A_TONE:
        return faintest
    ink, print_ = float(middles[is_ink].mean()), float(middles[~is_ink].mean())
    between = share * (1.0 - share) * (ink - print_) ** 2
    if print_ > _PRINT_TONE * ink or between < _TWO_TONES * float(middles.var()):
        return faintest
    return round((ink + print_) / 2)


def _border(light: NDArray[Any]) -> int:
    # `light`: the share of light pixels in each line, from the side inwards.
    same = light if light[0] > 0.5 else 1.0 - light
    width = int((same < 0.5).argmax())
    if not 0 < width <= _WIDEST_BORDER * len(same) or same[0] < _BORDER_PURITY:
        return 0
    return width if same[width : len(same) // 2].mean() < _BEYOND_BORDER else 0


def _frames(pieces: NDArray[Any], areas: NDArray[np.int_]) -> NDArray[np.bool_]:
    largest = np.argsort(areas)[-_LARGEST_PIECES:]
    largest = largest[areas[largest] > 0]
    x, y, width, height = pieces[largest, :4].T
    right, bottom = x + width, y + height
    across = (x[:, None] < x) & (right[:, None] > right)
    down = (y[:, None] < y) & (bottom[:, None] > bottom)
    is_high = height >= _HIGH_INSIDE * height[:, None]
    frames = np.zeros(len(pieces), np.bool_)
    frames[largest] = (across & down & is_high).any(axis=1)
    return frames


def _neighbours(
    pieces: NDArray[Any], areas: NDArray[np.int_], largest: np.intp, *, width: int
) -> NDArray[np.bool_]:
    x, _, widths, heights = pieces[:, :4].T
    at_a_side = (x == 0) | (x + widths == width)
    is_narrow = widths <= _NEIGHBOUR_WIDTH * width
    is_low = heights < _NEIGHBOUR_HEIGHT * heights[largest]
    return np.asarray(at_a_side & is_narrow & is_low & (areas < _NEIGHBOUR_AREA * areas[largest]))


def _touches_rim(pieces: NDArray[Any], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    x, y, width, height = pieces[:, :4].T
    touches = (x == 0) | (y == 0) | (x + width == shape[1]) | (y + height == shape[0])
    return np.asarray(touches)
