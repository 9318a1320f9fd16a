"""What decoding gives and normalising takes, and the one family of errors of both."""

from typing import cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

# uint8 [height, width], luminance; ink may be darker or lighter than the paper. May be read-only.
Picture = NDArray[np.uint8]


def as_picture(array: ArrayLike) -> Picture:
    """`array` itself, for the type checker: OpenCV's hints do not say that uint8 stays uint8."""
    return cast(Picture, array)
