"""The short way for plain PNG files: the same pixels as the long one, or none."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from service.imaging import png
from tests.imaging.samples import encoded

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 31), np.uint8)
FILE = cv2.imencode(".png", PIXELS)[1].tobytes()
HEADER_END = 33


def test_a_plain_file_has_its_pixels():
    assert np.array_equal(png.decode_plain(FILE, max_pixels=10**6), PIXELS)


@pytest.mark.parametrize("mode", ["1", "LA", "P", "RGB", "RGBA", "I;16"])
def test_another_mode_is_left_to_pillow(mode):
    assert png.decode_plain(encoded(Image.new(mode, (28, 28)), "PNG"), max_pixels=10**6) is None


@pytest.mark.parametrize("name", [b"tRNS", b"gAMA", b"iCCP", b"eXIf", b"acTL"])
def test_a_file_that_says_how_its_pixels_look_is_left_to_pillow(name):
    file = FILE[:HEADER_END] + _chunk(name, bytes(2)) + FILE[HEADER_END:]

    assert png.decode_plain(file, max_pixels=10**6) is None


def test_a_file_with_more_pixels_than_asked_for_is_not_decoded():
    assert png.decode_plain(FILE, max_pixels=PIXELS.size - 1) is None


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (2**31, 2**31)])
def test_an_absurd_size_is_left_to_pillow(size):
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0))

    assert png.decode_plain(png.SIGNATURE + header + FILE[HEADER_END:], max_pixels=10**6) is None


@pytest.mark.parametrize("length", [*range(0, len(FILE), 7), len(FILE) - 13])
def test_a_file_that_was_cut_is_left_to_pillow(length):
    assert png.decode_plain(FILE[:length], max_pixels=10**6) is None


@settings(deadline=None)
@given(st.integers(0, 8 * len(FILE) - 1))
def test_a_file_with_a_bit_turned_has_its_pixels_or_none(bit):
    damaged = bytearray(FILE)
    damaged[bit // 8] ^= 1 << bit % 8

    found = png.decode_plain(bytes(damaged), max_pixels=10**6)

    assert found is None or np.array_equal(found, PIXELS)


def _chunk(name, content):
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum
