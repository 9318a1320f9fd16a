"""Grey pictures, and Pillow images of any mode as such: wide values scaled, transparency filled."""

from collections.abc import Iterator
from typing import NamedTuple, cast

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from service.errors import UnreadableImage

# uint8 [height, width], luminance; ink may be darker or lighter than the paper. May be read-only.
Picture = NDArray[np.uint8]

_BLACK, _WHITE = 0, 255

# Customary full scales of values wider than 8 bits: fractions, 8, 10, 12, 14, 16 and 31 bits.
# The smallest that holds every value is used, so that a 12-bit scan in a 16-bit file is not dark,
# and a flat picture stays flat, which it would not if it were stretched to its extremes.
_FULL_SCALES = (1, 255, 1023, 4095, 16383, 65535, 2**31 - 1)

# Wide values are scaled in pieces (2 MB each as float64): the whole picture is never in memory in a
# wider type than its own.
_PIECE_PIXELS = 1 << 18

# A drawing without a background has one tone, except for its soft edge.
_ONE_TONE = 40.0


class Ink(NamedTuple):
    """What the ink of a picture measures."""

    height: float  # of its box, in pixels
    contrast: float  # to the paper, in grey levels
    stroke: float | None = None  # width of the pen's stroke, in pixels; None if it was not measured


def as_picture(array: ArrayLike) -> Picture:
    """Cast for the type checker: OpenCV's hints do not say that uint8 stays uint8."""
    return cast(Picture, array)


def reduced(picture: Picture, longest: int) -> Picture:
    """Return `picture` with a longer side of at most `longest` pixels, by averaging."""
    scale = min(1.0, longest / max(picture.shape))
    height, width = (max(1, round(scale * side)) for side in picture.shape)
    return as_picture(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA))


def to_grey(image: Image.Image) -> Picture:
    """Return the luminance of a loaded image, uint8 [height, width], read-only.

    Raises:
        UnreadableImage: a floating-point image has values that are not finite.
    """
    if image.mode.startswith(("I", "F")):
        return _scaled(image)
    if image.has_transparency_data:
        image = _on_paper(image if image.mode in ("LA", "RGBA") else image.convert("RGBA"))
    if image.mode != "L":
        image = image.convert("L")
    return _pixels(image)


def _pixels(image: Image.Image) -> Picture:
    # On a small image, several times faster than np.asarray.
    width, height = image.size
    return np.frombuffer(image.tobytes(), np.uint8).reshape(height, width)


def _scaled(image: Image.Image) -> Picture:
    extremes = np.array([(values.min(), values.max()) for values in _pieces(image)], np.float64)
    low, high = float(extremes.min()), float(extremes.max())
    if not (np.isfinite(low) and np.isfinite(high)):
        raise UnreadableImage("the picture has values that are not finite numbers")
    if low < 0 or high > _FULL_SCALES[-1]:
        floor, full_scale = low, high - low
    else:
        floor, full_scale = 0.0, float(next(full for full in _FULL_SCALES if full >= high))
    width, height = image.size
    grey, top = np.empty((height, width), np.uint8), 0
    for values in _pieces(image):
        bottom = top + len(values)
        scaled = (values.astype(np.float64) - floor) * (255.0 / (full_scale or 1.0))
        np.rint(scaled, out=grey[top:bottom], casting="unsafe")
        top = bottom
    return grey


def _pieces(image: Image.Image) -> Iterator[NDArray[np.generic]]:
    width, height = image.size
    rows = max(1, _PIECE_PIXELS // width)
    for top in range(0, height, rows):
        yield np.asarray(image.crop((0, top, width, min(top + rows, height))))


def _on_paper(image: Image.Image) -> Image.Image:
    grey, alpha = image.convert("L"), image.getchannel("A")
    paper = Image.new("L", image.size, _paper_tone(_pixels(grey), _pixels(alpha)))
    paper.paste(grey, mask=alpha)
    return paper


def _paper_tone(grey: Picture, alpha: Picture) -> int:
    # White, except for a light drawing (a web canvas with white ink), which would be invisible on
    # it, and for a dark page whose rim is cut away.
    opaque = (alpha > alpha.max() // 2).view(np.uint8)
    mean, deviation = (float(value[0, 0]) for value in cv2.meanStdDev(grey, mask=opaque))
    if deviation < _ONE_TONE:
        return _BLACK if mean > 127 else _WHITE
    is_page = cv2.countNonZero(opaque) > opaque.size / 2
    return _BLACK if is_page and mean < 64 else _WHITE
