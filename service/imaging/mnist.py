"""The geometry of an MNIST image: the ink in a box of 20 pixels, centred by mass in 28 x 28.

As in Y. LeCun et al., "Gradient-based learning applied to document recognition", 1998.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from service.imaging.greyscale import Picture, as_picture

# uint8 [28, 28], white ink (255) on black (0).
Mnist28 = NDArray[np.uint8]

SIDE = 28
BOX = 20

# Index of the pixel that holds the centre of mass. Over the first 20,000 training images the
# centre is 14.00 on average and never outside 13.48 to 14.50: MNIST was shifted by whole pixels.
CENTRE = 14

# An image counts as normalised if it misses MNIST's form by no more than this, in pixels.
_BOX_SLACK = 1
_CENTRE_SLACK = 1.0

# The brightest pixel of the faintest of those images is 254; a paler one is worth stretching.
_FULL_INK = 200

# A pen stroke is about 2 to 3 pixels wide in MNIST; a hairline would fade to grey when reduced.
_THINNEST_STROKE = 1.6

# Tuned on training images reduced to 8x8 and 16x16.
_ENLARGED_GAIN = 1.5
_ENLARGED_MIDDLE = 115

_NEIGHBOURHOOD = np.ones((3, 3), np.uint8)

# Weights of the pixels in the sums of ink, of ink by column and of ink by row: one product takes a
# third of the time of OpenCV's twenty-four moments.
_ROWS, _COLUMNS = np.indices((SIDE, SIDE), np.float32)
_MOMENTS = np.stack((np.ones_like(_ROWS), _COLUMNS, _ROWS)).reshape(3, -1)


def is_normalised(image: Picture) -> bool:
    """Whether `image`, uint8 [28, 28], has MNIST's form: light ink on pure black (4 us)."""
    _, _, width, height = cv2.boundingRect(image)
    if abs(max(width, height) - BOX) > _BOX_SLACK:
        return False
    # `dot` takes half the time of `@` for so few numbers.
    mass, across, down = _MOMENTS.dot(image.ravel().astype(np.float32)).tolist()
    return (
        abs(across / mass - CENTRE) <= _CENTRE_SLACK
        and abs(down / mass - CENTRE) <= _CENTRE_SLACK
        and cv2.minMaxLoc(image)[1] >= _FULL_INK
    )


def scaled_to_box(ink: Picture) -> tuple[Picture, float]:
    """Scale `ink`, light on black and cropped, to 20 pixels and full tone (25 us).

    Returns it, and the width that its strokes had, as a share of its longer side.
    """
    if max(ink.shape) < BOX:
        ink = _enlarged(ink)
    scale = BOX / max(ink.shape)
    height, width = ink.shape
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    stroke = stroke_width(ink)
    ink = _thickened(ink, round(_THINNEST_STROKE / scale - stroke))
    box = as_picture(cv2.resize(ink, size, interpolation=cv2.INTER_AREA))
    box = as_picture(cv2.convertScaleAbs(box, alpha=255.0 / cv2.minMaxLoc(box)[1]))
    return box, stroke * scale / BOX


def stroke_width(ink: Picture) -> float:
    """Estimate the width of the strokes of `ink`, light on black, in pixels (4 us)."""
    # A stroke of width w and length l has the area wl and the outline 2l.
    mask = cv2.threshold(ink, 127, 1, cv2.THRESH_BINARY)[1]
    area = cv2.countNonZero(mask)
    inner = cv2.erode(mask, _NEIGHBOURHOOD, borderValue=0)
    return 2.0 * area / max(1, area - cv2.countNonZero(inner))


def centred(box: Picture) -> Mnist28:
    """Lay `box` on black, moved by whole pixels as in MNIST; no ink is cut off (5 us)."""
    height, width = box.shape
    moments = cv2.moments(box)
    left = round(CENTRE - moments["m10"] / moments["m00"])
    top = round(CENTRE - moments["m01"] / moments["m00"])
    left = min(max(left, 0), SIDE - width)
    top = min(max(top, 0), SIDE - height)
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[top : top + height, left : left + width] = box
    return image


def _enlarged(ink: Picture) -> Picture:
    # Enlarging blurs; more contrast restores the edges of the strokes. The rim keeps the soft end
    # of a stroke that reaches the edge of the box.
    rim = cv2.copyMakeBorder(ink, 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    factor = math.ceil(2 * BOX / max(ink.shape))
    soft = cv2.resize(rim, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    offset = _ENLARGED_MIDDLE * (1.0 - _ENLARGED_GAIN)
    sharp = as_picture(cv2.addWeighted(soft, _ENLARGED_GAIN, soft, 0.0, offset))
    x, y, width, height = cv2.boundingRect(sharp)
    return sharp[y : y + height, x : x + width]


def _thickened(ink: Picture, missing: int) -> Picture:
    if missing < 1:
        return ink
    nib = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (missing + 1, missing + 1))
    return as_picture(cv2.dilate(ink, nib))
