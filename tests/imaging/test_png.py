"""Plain PNG files, which OpenCV decodes, and others that look like them."""

import contextlib
import struct
import time
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.imaging import PictureTooLarge, UnreadableImage, decode

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 31), np.uint8)
FILE = cv2.imencode(".png", PIXELS)[1].tobytes()
HEADER_END = 33


def test_a_plain_file_has_its_pixels():
    assert np.array_equal(decode(FILE, max_pixels=PIXELS.size), PIXELS)


def test_a_transparent_tone_is_not_ignored():
    page = np.full((20, 20), 250, np.uint8)
    page[5:15, 5:15] = 90
    page[:, :2] = 0
    file = cv2.imencode(".png", page)[1].tobytes()
    file = file[:HEADER_END] + _chunk(b"tRNS", struct.pack(">H", 0)) + file[HEADER_END:]

    assert decode(file, max_pixels=10**6)[:, :2].min() > 200


@pytest.mark.parametrize("size", [(0, 5), (5, 0), (2**31, 2**31)])
def test_a_header_of_an_absurd_size_is_refused(size):
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", *size, 8, 0, 0, 0, 0))

    with pytest.raises(UnreadableImage):
        decode(FILE[:8] + header + FILE[HEADER_END:], max_pixels=10**6)


def test_a_file_with_more_pixels_than_allowed_is_refused():
    with pytest.raises(PictureTooLarge):
        decode(FILE, max_pixels=PIXELS.size - 1)


@pytest.mark.parametrize("side", [28, 1000])
def test_what_follows_the_last_pixel_is_not_decompressed(side):
    compressor = zlib.compressobj()
    zeros = b"".join(compressor.compress(bytes(1 << 20)) for _ in range(400)) + compressor.flush()
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    file = FILE[:8] + header + _chunk(b"IDAT", zeros) + _chunk(b"IEND", b"")
    started = time.process_time()

    assert decode(file, max_pixels=10**6).shape == (side, side)
    # OpenCV takes 0.8 s.
    assert time.process_time() - started < 0.2


@settings(deadline=None)
@given(st.integers(0, 8 * len(FILE) - 1), st.integers(0, len(FILE)))
def test_a_damaged_file_has_its_pixels_or_is_refused(bit, length):
    damaged = bytearray(FILE)
    damaged[bit // 8] ^= 1 << bit % 8

    for file in (bytes(damaged), FILE[:length]):
        with contextlib.suppress(UnreadableImage):
            assert np.array_equal(decode(file, max_pixels=10**6), PIXELS)


def _chunk(name, content):
    checksum = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + checksum
