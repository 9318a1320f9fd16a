"""From the bytes of a picture to the 28x28 image, or the strip, that a model expects."""

from service.imaging.decode import decode
from service.imaging.normalise import Normalised, normalise, unchanged
from service.imaging.picture import Picture, PictureTooLarge, UnreadableImage, UnsupportedFormat
from service.imaging.strip import SeenStrip, cut_strip

__all__ = [
    "Normalised",
    "Picture",
    "PictureTooLarge",
    "SeenStrip",
    "UnreadableImage",
    "UnsupportedFormat",
    "cut_strip",
    "decode",
    "normalise",
    "unchanged",
]
