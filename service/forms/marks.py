"""Marks: ticks and crosses in a printed box, by the share of its area that is ink."""

import cv2
import numpy as np

from service.imaging import Picture

# Ink is darker than the paper of the crop by this share of its light.
_INK = 0.22

# Shares of ink. Calibrated on drawn boxes, photographed by simulation (tests/forms/test_marks.py):
# empty ones, with a dot, or with the rest of an erased mark, have less than the first, and ticks,
# crosses, circles and filled boxes more than the second. Between them a person looks.
MOST_EMPTY = 0.012
LEAST_MARKED = 0.04


def ink_share(crop: Picture, margin: int) -> float:
    """Return the share of ink within a box.

    Args:
        crop: uint8 [height, width], the box and the paper around it.
        margin: how many pixels of it are on each side of the box.
    """
    paper = np.percentile(crop, 90)
    inside = cv2.GaussianBlur(crop, (3, 3), 0)[margin:-margin, margin:-margin]
    return float(np.mean(inside < (1 - _INK) * paper))


def is_marked(share: float) -> bool | None:
    """Return whether a box with this share of ink is marked; None: a person should look."""
    if share >= LEAST_MARKED:
        return True
    return False if share <= MOST_EMPTY else None
