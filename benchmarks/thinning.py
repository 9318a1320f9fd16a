"""The middle line of strokes."""

import cv2
import numpy as np
from numpy.typing import NDArray

Mask = NDArray[np.uint8]  # [height, width], 1 or 0

# What each of the eight neighbours adds to a pixel's code, clockwise from the one above.
_CODES = np.array([[128, 1, 2], [64, 0, 4], [32, 16, 8]], np.float32)


def skeleton(mask: Mask) -> Mask:
    """Thin the strokes of `mask` to one pixel.

    Zhang and Suen, "A fast parallel algorithm for thinning digital patterns", CACM 27(3), 1984.
    """
    thin = np.pad(mask, 1)
    while True:
        before = thin.sum()
        for removable in _REMOVABLE:
            codes = cv2.filter2D(thin, cv2.CV_32F, _CODES, borderType=cv2.BORDER_CONSTANT)
            thin = np.where(removable[codes.astype(np.uint8)], 0, thin).astype(np.uint8)
        if thin.sum() == before:
            return np.ascontiguousarray(thin[1:-1, 1:-1])


def _removable(step: int) -> NDArray[np.bool_]:
    """By code, whether a pixel may go in the first (0) or the second (1) half of a round."""
    answers = np.zeros(256, bool)
    for code in range(256):
        around = [code >> bit & 1 for bit in range(8)]
        rises = sum(a < b for a, b in zip(around, [*around[1:], around[0]], strict=True))
        above, right, below, left = around[::2]
        if step == 0:
            open_side = not (above and right and below) and not (right and below and left)
        else:
            open_side = not (above and right and left) and not (above and below and left)
        answers[code] = 2 <= sum(around) <= 6 and rises == 1 and open_side
    return answers


_REMOVABLE = (_removable(0), _removable(1))
