"""A short way for the plainest PNG files, which programs that cut out digits send the most."""

from collections.abc import Iterator

import cv2
import numpy as np

from service.imaging.picture import Picture, as_picture

SIGNATURE = b"\x89PNG\r\n\x1a\n"

# The header's chunk comes first: its length, its name, width, height, and five bytes of how.
_START = SIGNATURE + b"\x00\x00\x00\x0dIHDR"
_WIDTH, _HEIGHT, _HOW = slice(16, 20), slice(20, 24), slice(24, 29)
_SECOND_CHUNK = 33

# Eight bits, grey, not interlaced.
_GREY = b"\x08\x00\x00\x00\x00"

# Beside the pixels, these say nothing about how they look.
_PLAIN_CHUNKS = frozenset(b"IDAT IEND pHYs tEXt tIME".split())


def announced_pixels(data: bytes) -> int | None:
    """How many pixels the header of a PNG file announces; None where `data` starts like none."""
    if not data.startswith(_START):
        return None
    return int.from_bytes(data[_WIDTH]) * int.from_bytes(data[_HEIGHT])


def chunk_names(data: bytes) -> Iterator[bytes]:
    """The names of the chunks after the header, as far as their lengths lead."""
    start = _SECOND_CHUNK
    while start < len(data):
        yield data[start + 4 : start + 8]
        length = int.from_bytes(data[start : start + 4])
        start += 12 + length


def decode_plain(data: bytes, *, max_pixels: int) -> Picture | None:
    """The pixels of a small PNG file of eight bits of grey and nothing else, in half the time.

    OpenCV decodes it to the pixels that Pillow does, or not at all (tried on 30,000 damaged
    files): None leaves it to Pillow to read the file, or to say what is wrong.
    """
    if not 0 < (announced_pixels(data) or 0) <= max_pixels:
        return None
    if data[_HOW] != _GREY or not _PLAIN_CHUNKS.issuperset(chunk_names(data)):
        return None
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    return None if pixels is None else as_picture(pixels)
