"""Which pictures are read so fast that a thread would cost more than it spares."""

from collections.abc import Iterator

# Within both limits a picture is decoded and normalised in about a millisecond.
_MOST_BYTES = 16 * 1024
_MOST_PIXELS = 256 * 256

_SIGNATURE_AND_HEADER = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR"
_WIDTH, _HEIGHT = slice(16, 20), slice(20, 24)
_SECOND_CHUNK = 33

# All others go to a thread: compressed texts and colour profiles unfold to a thousand times their
# size, whatever the picture's, and a second header may announce a larger picture.
_HARMLESS_CHUNKS = frozenset(b"PLTE tRNS gAMA cHRM sRGB sBIT bKGD pHYs tIME tEXt IDAT IEND".split())


def is_quick(data: bytes) -> bool:
    """Whether `data` is a PNG file of a few bytes, with a few pixels and nothing else to unfold.

    PNG alone says cheaply how many pixels its bytes unfold to.
    """
    if len(data) > _MOST_BYTES or not data.startswith(_SIGNATURE_AND_HEADER):
        return False
    pixels = int.from_bytes(data[_WIDTH]) * int.from_bytes(data[_HEIGHT])
    return pixels <= _MOST_PIXELS and _HARMLESS_CHUNKS.issuperset(_chunks(data))


def _chunks(png: bytes) -> Iterator[bytes]:
    start = _SECOND_CHUNK
    while start < len(png):
        yield png[start + 4 : start + 8]
        length = int.from_bytes(png[start : start + 4])
        start += 12 + length
