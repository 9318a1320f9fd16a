"""Which pictures are read so fast that a thread would cost more than it spares."""

import numpy as np

from service.imaging import png

# Within both limits a picture is decoded and normalised in about a millisecond.
_MOST_BYTES = 16 * 1024
_MOST_PIXELS = 256 * 256

# All others go to a thread: compressed texts and colour profiles unfold to a thousand times their
# size, whatever the picture's, and a second header may announce a larger picture.
_HARMLESS_CHUNKS = frozenset(b"PLTE tRNS gAMA cHRM sRGB sBIT bKGD pHYs tIME tEXt IDAT IEND".split())


def is_quick(content: object) -> bool:
    """Whether `content` is ready, has a few pixels, or is a PNG file of a few bytes and pixels.

    PNG alone says cheaply how many pixels its bytes unfold to; it must hold nothing else to unfold.
    """
    if isinstance(content, bytes):
        return _is_quick_png(content)
    return not isinstance(content, np.ndarray) or content.size <= _MOST_PIXELS


def _is_quick_png(data: bytes) -> bool:
    if len(data) > _MOST_BYTES:
        return False
    pixels = png.announced_pixels(data)
    return pixels is not None and pixels <= _MOST_PIXELS and png.has_only(data, _HARMLESS_CHUNKS)
