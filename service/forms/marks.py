"""Marks: ticks and crosses in a printed box, by the share of its area that is ink."""

from typing import NamedTuple

import cv2
import numpy as np

from service.imaging import Picture

# A stroke is darker than the paper on both sides of it by this share, and narrower than this share
# of the box; the edge of a shadow is neither. A filled box is darker than around it by the third.
_STROKE = 0.2
_WIDEST_STROKE = 0.35
_FILLED = 0.5
# What is less dark may be a shadow or grey pencil.
_SHADE = 0.2

# The rim of the box is left to its printed frame.
_RIM = 0.1

# Shares of ink, calibrated on drawn boxes photographed by simulation (tests/forms/test_marks.py):
# those empty or erased have less than the first, ticks, crosses, circles and filled boxes more than
# the second. Between them, as with a dot or in the edge of a shadow, a person looks.
MOST_EMPTY = 0.01
LEAST_MARKED = 0.1
_MOST_SHADE = 0.1


class Ink(NamedTuple):
    """Shares of a box: of sure ink, and of what is darker than the paper around the box."""

    share: float
    shade: float

    @property
    def is_mark(self) -> bool | None:
        """Whether the box is marked; None: a person should look."""
        if self.share >= LEAST_MARKED:
            return True
        return False if self.share <= MOST_EMPTY and self.shade <= _MOST_SHADE else None


def ink_of(crop: Picture, margin: int) -> Ink:
    """Measure the ink in a box.

    `crop` is uint8 [height, width], the box with `margin` pixels of paper on each side.
    """
    smooth = cv2.GaussianBlur(crop, (3, 3), 0)
    side = min(crop.shape) - 2 * margin
    kernel = np.ones((max(3, round(_WIDEST_STROKE * side)),) * 2, np.uint8)
    beside = cv2.morphologyEx(smooth, cv2.MORPH_CLOSE, kernel)
    around = np.percentile(smooth, 90)
    # Of a box as thin as a line there is its middle.
    rim = min(margin + round(_RIM * side), (min(crop.shape) - 1) // 2)
    height, width = crop.shape
    within = np.s_[rim : height - rim, rim : width - rim]
    inside, paper = (each[within].astype(float) for each in (smooth, beside))
    is_ink = (inside < (1 - _STROKE) * paper) | (inside < (1 - _FILLED) * around)
    return Ink(float(is_ink.mean()), float((inside < (1 - _SHADE) * around).mean()))
