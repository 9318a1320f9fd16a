"""Which pictures are read on the event loop: small ones alone, with nothing in them to unfold."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image, PngImagePlugin

from service.quick import is_quick

MEBIBYTE = zlib.compress(bytes(1024 * 1024), 9)
HEADER_OF_LARGE = struct.pack(">IIBBBBB", 4000, 4000, 8, 0, 0, 0, 0)


def test_a_small_png_is_quick(seven, blank):
    assert is_quick(seven)
    assert is_quick(blank)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
def test_a_small_png_of_any_mode_with_a_note_is_quick(mode):
    note = PngImagePlugin.PngInfo()
    note.add_text("Software", "a form reader")

    assert is_quick(_saved(Image.new(mode, (28, 28)), "PNG", pnginfo=note, dpi=(300, 300)))


@pytest.mark.parametrize("file_format", ["JPEG", "BMP", "GIF", "TIFF", "WEBP"])
def test_another_format_is_not(file_format):
    assert not is_quick(_saved(Image.new("L", (28, 28)), file_format))


def test_a_png_of_few_bytes_and_many_pixels_is_not():
    assert not is_quick(_saved(Image.new("1", (2000, 2000)), "PNG"))


def test_a_png_of_many_bytes_is_not(seven):
    assert not is_quick(_with_chunk(seven, b"tEXt", bytes(16 * 1024)))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (b"zTXt", b"a\0\0" + MEBIBYTE),
        (b"iTXt", b"a\0\1\0\0\0" + MEBIBYTE),
        (b"iCCP", b"a\0\0" + MEBIBYTE),
        (b"IHDR", HEADER_OF_LARGE),
    ],
)
def test_a_png_with_something_else_to_unfold_is_not(seven, name, content):
    assert not is_quick(_with_chunk(seven, name, content))


def test_a_png_whose_first_chunk_is_no_header_is_not(seven):
    signature, rest = seven[:8], seven[8:]

    assert not is_quick(signature + _chunk(b"tEXt", bytes(13)) + rest)


def _with_chunk(png, name, content):
    header_end = 33
    return png[:header_end] + _chunk(name, content) + png[header_end:]


def _chunk(name, content):
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum


def _saved(image, file_format, **options):
    file = BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()
