"""The paper behind the ink: how bright it is, and whether the ink is darker or lighter."""

from dataclasses import dataclass

import cv2
import numpy as np

from service.imaging.picture import Picture, as_picture
from service.imaging.surface import fitted, reduced


@dataclass(frozen=True, eq=False)
class Paper:
    """What is written on.

    Attributes:
        surface: uint8 [height, width], how bright the picture would be without its ink.
        is_lighter: than the ink on it.
    """

    surface: Picture
    is_lighter: bool


def find_paper(picture: Picture) -> Paper:
    """Tell what `picture`, uint8 [height, width], would be without its ink."""
    small = reduced(picture)
    smooth = fitted(small)
    difference = small - smooth
    darker, lighter = np.minimum(difference, 0.0), np.maximum(difference, 0.0)
    surface = np.clip(np.rint(smooth), 0, 255).astype(np.uint8)
    if surface.shape != picture.shape:
        size = picture.shape[::-1]
        surface = as_picture(cv2.resize(surface, size, interpolation=cv2.INTER_LINEAR))
    return Paper(surface, bool(np.vdot(darker, darker) > np.vdot(lighter, lighter)))
