"""From the bytes of a picture to the 28x28 image that a model expects."""

from service.imaging.decode import decode
from service.imaging.normalise import Normalised, normalise, unchanged
from service.imaging.picture import Picture, PictureTooLarge, UnreadableImage, UnsupportedFormat

__all__ = [
    "Normalised",
    "Picture",
    "PictureTooLarge",
    "UnreadableImage",
    "UnsupportedFormat",
    "decode",
    "normalise",
    "unchanged",
]
