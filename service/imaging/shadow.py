"""Shadows with an edge, which no smooth surface follows."""

import cv2
import numpy as np

from service.imaging.picture import Picture, as_picture
from service.imaging.surface import fitted, reduced

# The light is the median of a window of this share of the shorter side: so wide that strokes do
# not fill half of it. A picture of fewer pixels (reduced) is too coarse for that.
_WINDOW = 0.8
_LEAST_SIDE = 40

# A shadow takes a share of the light that matters; where it is deep, noise would be raised with
# the ink.
_LEAST_GAIN = 1.2
_MOST_GAIN = 4.0

# The edge of a shadow is looked for in a window of so many pixels of the reduced picture.
_EDGE = 5

# Ink stands out by more grey levels than this, in so many pixels at least.
_FAINTEST_INK = 20
_FEWEST_PIXELS = 4

# How much nearer to the picture than a smooth surface the light must be, as a ratio of mean
# distances. Under shadows that take half of the light it is below 0.45 in 95 of 100 test pictures,
# without a shadow or border it is above 0.7 in 95 of 100.
_WORTH_AN_EDGE = 0.5


def evenly_lit(picture: Picture) -> Picture:
    """Take the shadow off `picture`, uint8 [height, width], if it has one with an edge.

    A shadow takes a share of the light, from paper and ink alike: the picture is divided by the
    light on it, which is the median around each pixel. That follows an edge and passes over
    strokes.
    """
    small = reduced(picture)
    side = min(small.shape)
    if side < _LEAST_SIDE:
        return picture
    light = cv2.medianBlur(small.astype(np.uint8), round(_WINDOW * side) | 1)
    gain = np.minimum(int(light.max()) / np.maximum(light, 1), _MOST_GAIN)
    if gain.max() < _LEAST_GAIN:
        return picture
    if np.abs(small - light).mean() > _WORTH_AN_EDGE * np.abs(small - fitted(small)).mean():
        return picture
    step = gain * cv2.morphologyEx(light, cv2.MORPH_GRADIENT, np.ones((_EDGE, _EDGE), np.uint8))
    size = picture.shape[::-1]
    gains, steps = (
        cv2.resize(values.astype(np.float32), size, interpolation=cv2.INTER_LINEAR)
        for values in (gain, step)
    )
    even = as_picture(cv2.multiply(picture, gains, dtype=cv2.CV_8U))
    # A blurred edge leaves something behind, but nothing higher than it was; with no more than that
    # the page is empty.
    paper = int(light.max())
    beyond = np.abs(even.astype(np.float32) - paper) > steps + _FAINTEST_INK
    return even if np.count_nonzero(beyond) >= _FEWEST_PIXELS else np.full_like(even, paper)
