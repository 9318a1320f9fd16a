"""Pictures and files that the tests of this folder share."""

import struct
import subprocess
import sys
import zlib
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw

from service.imaging import UnreadableImage, decode

MAX_PIXELS = 1_000_000
SIDE = 28

_CHILD = """
import sys
from service.imaging import UnreadableImage, decode
data = sys.stdin.buffer.read()
"""


def drawing(size=(SIDE, SIDE), ink=0, paper=255, mode="L"):
    width, height = size
    image = Image.new(mode, size, paper)
    draw = ImageDraw.Draw(image)
    draw.line((width // 2, height // 5, width // 2, height * 4 // 5), ink, max(2, width // 9))
    draw.line((width // 4, height // 5, width // 2, height // 5), ink, max(2, width // 9))
    return image


def encoded(image, file_format, **options):
    if file_format in ("JPEG", "WEBP"):
        options.setdefault("quality", 95)
    buffer = BytesIO()
    image.save(buffer, file_format, **options)
    return buffer.getvalue()


def read(data, max_pixels=MAX_PIXELS, page=1):
    return decode(data, max_pixels=max_pixels, page=page)


def assert_picture_or_refusal(data):
    try:
        picture = read(data)
    except UnreadableImage:
        return
    assert picture.dtype == np.uint8
    assert picture.ndim == 2
    assert 0 < picture.size <= MAX_PIXELS


def in_child(code, data):
    """Run `code` on `data` in a process of its own, in which every warning is shown."""
    command = [sys.executable, "-W", "always::UserWarning", "-c", _CHILD + code]
    return subprocess.run(command, input=data, capture_output=True, check=True)


def png_of(width, height):
    """A PNG that announces so many pixels and holds 99 bytes of them."""

    def chunk(name, body):
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 99))


# A grey deflated TIFF: tag -> (type, count, value or offset). Its directory comes last, so that
# pixels and blob lie where they lie whatever the tags.
PIXELS = zlib.compress(b"\x80" * SIDE * SIDE)
PIXELS_AT = 8
BLOB_AT = PIXELS_AT + len(PIXELS)
BYTE, ASCII, SHORT, LONG, RATIONAL = 1, 2, 3, 4, 5
TIFF_TAGS = {
    256: (SHORT, 1, SIDE),
    257: (SHORT, 1, SIDE),
    258: (SHORT, 1, 8),
    259: (SHORT, 1, 8),
    262: (SHORT, 1, 1),
    273: (LONG, 1, PIXELS_AT),
    277: (SHORT, 1, 1),
    278: (SHORT, 1, SIDE),
    279: (LONG, 1, len(PIXELS)),
}


def tiff_of(tags, blob=b""):
    directory = b"".join(struct.pack("<HHLL", tag, *entry) for tag, entry in sorted(tags.items()))
    header = b"II*\0" + struct.pack("<L", BLOB_AT + len(blob))
    return header + PIXELS + blob + struct.pack("<H", len(tags)) + directory + b"\0" * 4
