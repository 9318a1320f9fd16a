"""From the bytes of a picture to the 28x28 image, or the strip, that a model expects."""

import cv2

from service.errors import PictureTooLarge, UnreadableImage, UnsupportedFormat
from service.imaging.decode import count_pages, decode, is_picture
from service.imaging.documents import MOST_PAGES, is_document
from service.imaging.greyscale import Ink, Picture, as_picture, reduced
from service.imaging.normalise import Normalised, Polarity, normalise, unchanged
from service.imaging.paper import PaperKind
from service.imaging.strip import SeenStrip, cut_strip, is_cut_off

# Processes run in parallel. With threads of its own, OpenCV takes 3.5 times the CPU time for a
# picture of 28 x 28 pixels, twice for one of 600 x 600, and is hardly faster.
cv2.setNumThreads(1)

__all__ = [
    "MOST_PAGES",
    "Ink",
    "Normalised",
    "PaperKind",
    "Picture",
    "PictureTooLarge",
    "Polarity",
    "SeenStrip",
    "UnreadableImage",
    "UnsupportedFormat",
    "as_picture",
    "count_pages",
    "cut_strip",
    "decode",
    "is_cut_off",
    "is_document",
    "is_picture",
    "normalise",
    "reduced",
    "unchanged",
]
