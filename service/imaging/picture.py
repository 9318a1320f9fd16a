"""What decoding gives and normalising takes, and the one family of errors of both."""

from typing import ClassVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

# uint8 [height, width], luminance; ink may be darker or lighter than the paper. May be read-only.
Picture = NDArray[np.uint8]


class UnreadableImage(ValueError):
    """The bytes, or the picture in them, cannot be read as an image; `reason` says why.

    Attributes:
        kind: tells callers and metrics what is wrong, in a word that stays.
    """

    kind: ClassVar[str] = "unreadable-image"

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class UnsupportedFormat(UnreadableImage):
    """The bytes are of none of the formats that are read."""

    kind = "unsupported-format"


class PictureTooLarge(UnreadableImage):
    """The header announces more pixels than are allowed."""

    kind = "picture-too-large"


def as_picture(array: ArrayLike) -> Picture:
    """`array` itself, for the type checker: OpenCV's hints do not say that uint8 stays uint8."""
    return cast(Picture, array)
