"""Crops of photographs: those that scikit-learn ships, where it is installed, and Matplotlib's."""

from functools import cache

import numpy as np
from matplotlib.cbook import get_sample_data
from numpy.typing import NDArray
from PIL import Image

Photograph = NDArray[np.uint8]  # [height, width, 3]


def crop(random: np.random.Generator) -> Photograph:
    """A square of one of the photographs, 60 to 300 pixels wide."""
    found = photographs()
    photograph = found[random.integers(len(found))]
    side = int(random.integers(60, 300))
    height, width = photograph.shape[:2]
    top, left = random.integers(height - side), random.integers(width - side)
    return photograph[top : top + side, left : left + side]


@cache
def photographs() -> tuple[Photograph, ...]:
    """Everything there is to cut from."""
    with get_sample_data("grace_hopper.jpg") as file, Image.open(file) as image:
        portrait = np.asarray(image.convert("RGB"))
    try:
        from sklearn.datasets import load_sample_images  # noqa: PLC0415 - need not be there
    except ImportError:
        return (portrait,)
    return (portrait, *load_sample_images().images)
