"""A grey picture to MNIST's own form: borders -> shadow -> paper -> ink -> scale -> centre."""

import math
from typing import NamedTuple

import cv2
import numpy as np

from service.errors import UnreadableImage
from service.imaging.clutter import without_borders
from service.imaging.ink import find_ink
from service.imaging.mnist import SIDE, Mnist28, centred, is_normalised, scaled_to_box
from service.imaging.paper import find_paper
from service.imaging.picture import Picture, as_picture
from service.imaging.shadow import evenly_lit

# The longer side of a large picture is reduced, but never below so many pixels: a digit in a
# corner stays readable.
_REDUCED_LONGER_SIDE = 1000


class Normalised(NamedTuple):
    """What a model is shown.

    Attributes:
        image: uint8 [28, 28], white ink (255) on black (0); may be read-only.
        blank: nothing was written on the picture; `image` is then of one tone.
        several: what was written lies in several pieces side by side, as several digits do.
    """

    image: Mnist28
    blank: bool = False
    several: bool = False


def normalise(picture: Picture) -> Normalised:
    """Find the ink on `picture` and bring it to the form of MNIST.

        normalise(decode(data, max_pixels=16_000_000)).image

    Ink may be darker or lighter than the paper and the light uneven. Everything that is written
    counts as one drawing. An image in MNIST's form already comes back as it is, its inverse as
    the exact inverse.

    Args:
        picture: uint8 [height, width], at least one pixel.

    Returns:
        White ink on black, its longer side 20 pixels, its centre of mass in the middle, as Y.
        LeCun et al., "Gradient-based learning applied to document recognition" (1998) define it.
    """
    if picture.shape == (SIDE, SIDE):
        if is_normalised(picture):
            return Normalised(picture)
        inverse = ~picture
        if is_normalised(inverse):
            return Normalised(inverse)
    picture = evenly_lit(without_borders(_reduced(picture)))
    paper = find_paper(picture)
    if paper.is_lighter:
        ink = find_ink(~picture, ~paper.surface)
    else:
        ink = find_ink(picture, paper.surface)
    if ink is None:
        return Normalised(np.zeros((SIDE, SIDE), np.uint8), blank=True)
    return Normalised(centred(scaled_to_box(ink.picture)), several=ink.several)


def unchanged(picture: Picture) -> Normalised:
    """`picture` itself, for a caller who has normalised it already.

    Args:
        picture: uint8 [28, 28], white ink on black.

    Raises:
        UnreadableImage: the picture is of another size.
    """
    if picture.shape != (SIDE, SIDE):
        height, width = picture.shape
        raise UnreadableImage(
            f"preprocess=none takes an image of {SIDE} x {SIDE} pixels, this one has"
            f" {width} x {height}; send it with preprocess=auto"
        )
    return Normalised(picture, blank=bool(picture.min() == picture.max()))


def _reduced(picture: Picture) -> Picture:
    height, width = picture.shape
    factor = max(height, width) // _REDUCED_LONGER_SIDE
    if factor <= 1:
        return picture
    size = (math.ceil(width / factor), math.ceil(height / factor))
    return as_picture(cv2.resize(picture, size, interpolation=cv2.INTER_AREA))
