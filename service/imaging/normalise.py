"""A grey picture to MNIST's form: the ink's longer side 20 pixels, centred by mass in 28 x 28."""

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from service.errors import UnreadableImage
from service.imaging.clutter import without_borders
from service.imaging.greyscale import Picture, as_picture
from service.imaging.ink import find_ink
from service.imaging.paper import evenly_lit, find_paper

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

# A larger picture is reduced, but its longer side keeps this many pixels, so that a digit in a
# corner stays readable.
_REDUCED_LONGER_SIDE = 1000

# A pen stroke is about 2 to 3 pixels wide in MNIST; a hairline would fade to grey when reduced.
_THINNEST_STROKE = 1.6

# A large drawing is halved until its longer side has at most this many pixels, its strokes at
# least this wide each time: a few cheap steps instead of one with a huge nib.
_COARSE_SIDE = 8 * BOX
_HALVED_STROKE = 3.0

# Tuned on training images reduced to 8x8 and 16x16.
_ENLARGED_GAIN = 1.5
_ENLARGED_MIDDLE = 115

# Weights of the pixels in the sums of ink, of ink by column and of ink by row: one product takes a
# third of the time of OpenCV's twenty-four moments.
_ROWS, _COLUMNS = np.indices((SIDE, SIDE), np.float32)
_MOMENTS = np.stack((np.ones_like(_ROWS), _COLUMNS, _ROWS)).reshape(3, -1)


class Normalised(NamedTuple):
    """The input of a model.

    Attributes:
        image: uint8 [28, 28], white ink (255) on black (0); may be read-only.
        blank: nothing is written on the picture; `image` then has one tone.
        several: the ink lies in several pieces side by side, as of several digits.
    """

    image: Mnist28
    blank: bool = False
    several: bool = False


def normalise(picture: Picture) -> Normalised:
    """Find the ink on `picture` and bring it to the form of MNIST.

        normalise(decode(data, max_pixels=16_000_000)).image

    Ink may be darker or lighter than the paper, and the light uneven. All ink counts as one
    drawing. An image in MNIST's form is returned as it is, its inverse as the exact inverse.

    Args:
        picture: uint8 [height, width], at least one pixel.

    Returns:
        White ink on black, its longer side 20 pixels, its centre of mass in the middle, as Y.
        LeCun et al., "Gradient-based learning applied to document recognition" (1998) define it.
    """
    if picture.shape == (SIDE, SIDE):
        if _is_normalised(picture):
            return Normalised(picture)
        inverse = ~picture
        if _is_normalised(inverse):
            return Normalised(inverse)
    picture = evenly_lit(without_borders(_reduced(picture)))
    paper = find_paper(picture)
    if paper.is_lighter:
        ink = find_ink(~picture, ~paper.surface)
    else:
        ink = find_ink(picture, paper.surface)
    if ink is None:
        return Normalised(np.zeros((SIDE, SIDE), np.uint8), blank=True)
    return Normalised(_centred(_scaled_to_box(ink.picture)), several=ink.several)


def unchanged(picture: Picture) -> Normalised:
    """Wrap a picture that is normalised already.

    Args:
        picture: uint8 [28, 28], white ink on black.

    Raises:
        UnreadableImage: the picture has another size.
    """
    if picture.shape != (SIDE, SIDE):
        height, width = picture.shape
        raise UnreadableImage(
            f"preprocess=none takes an image of {SIDE} x {SIDE} pixels, this one has"
            f" {width} x {height}; send it with preprocess=auto"
        )
    return Normalised(picture, blank=bool(picture.min() == picture.max()))


def _is_normalised(image: Picture) -> bool:
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


def _reduced(picture: Picture) -> Picture:
    height, width = picture.shape
    factor = max(height, width) // _REDUCED_LONGER_SIDE
    if factor <= 1:
        return picture
    size = (math.ceil(width / factor), math.ceil(height / factor))
    return as_picture(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))


def _scaled_to_box(ink: Picture) -> Picture:
    """Scale `ink`, light on black and cropped, to 20 pixels; its brightest pixel becomes 255."""
    if max(ink.shape) < BOX:
        ink = _enlarged(ink)
    while max(ink.shape) > _COARSE_SIDE:
        ink = _resized(_thickened(ink, _HALVED_STROKE), 0.5)
    scale = BOX / max(ink.shape)
    box = _resized(_thickened(ink, _THINNEST_STROKE / scale), scale)
    return as_picture(cv2.convertScaleAbs(box, alpha=255.0 / int(box.max())))


def _centred(box: Picture) -> Mnist28:
    """Lay `box` on black, moved by whole pixels as in MNIST; no ink is cut off."""
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


def _resized(ink: Picture, scale: float) -> Picture:
    height, width = ink.shape
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return as_picture(cv2.resize(ink, size, interpolation=cv2.INTER_AREA))


def _thickened(ink: Picture, thinnest: float) -> Picture:
    missing = round(thinnest - _stroke_width(ink))
    if missing < 1:
        return ink
    nib = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (missing + 1, missing + 1))
    return as_picture(cv2.dilate(ink, nib))


def _stroke_width(ink: Picture) -> float:
    # A stroke of width w and length l has the area wl and the outline 2l.
    mask = (ink > 127).astype(np.uint8)
    inner = cv2.erode(mask, np.ones((3, 3), np.uint8), borderValue=0)
    outline = cv2.countNonZero(mask) - cv2.countNonZero(inner)
    return 2.0 * cv2.countNonZero(mask) / max(1, outline)
