"""What decoding costs, as the operating system counts it: much is allocated outside of Python."""

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.imaging.documents import document, page_of
from tests.imaging.samples import (
    BLOB_AT,
    BYTE,
    LONG,
    RATIONAL,
    SHORT,
    TIFF_TAGS,
    drawing,
    encoded,
    in_child,
    png_of,
    tiff_of,
)

# ru_maxrss would do everywhere, but on Linux a child takes it over from its parent, pytest, and
# starts with that peak instead of its own.
STATUS = Path("/proc/self/status")
pytestmark = pytest.mark.skipif(not STATUS.exists(), reason="reads Linux's /proc")

MIB = 1 << 20
MAX_PIXELS = 16_000_000

MEASURE = f"""
from service.imaging import count_pages, decode
def peak():
    lines = open("{STATUS}").read().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))
before = peak()
try:
    for page in range(1, count_pages(data) + 1):
        decode(data, max_pixels={MAX_PIXELS}, whole=True, page=page)
    print("read", peak() - before)
except UnreadableImage as error:
    print("refused", peak() - before)
"""


def outcome_and_growth(data):
    outcome, growth = in_child(MEASURE, data).stdout.split()
    return outcome.decode(), int(growth)


def tiles_of_a_bomb():
    tags = TIFF_TAGS | {
        322: (LONG, 1, 40_000),
        323: (LONG, 1, 40_000),
        324: (LONG, 1, 8),
        325: (LONG, 1, 900),
    }
    return tiff_of({tag: entry for tag, entry in tags.items() if tag not in (273, 279)})


def millions_of_strips():
    count = 3_000_000
    strips = {
        256: (SHORT, 1, 1),
        257: (LONG, 1, count),
        259: (SHORT, 1, 1),
        273: (LONG, count, BLOB_AT),
        278: (SHORT, 1, 1),
    }
    return tiff_of(TIFF_TAGS | strips, struct.pack("<L", 8) * count)


def a_hundred_tags_that_share_their_bytes():
    shared = {50_000 + number: (BYTE, 4 * MIB, BLOB_AT) for number in range(100)}
    return tiff_of(TIFF_TAGS | shared, bytes(4 * MIB))


@pytest.mark.parametrize(
    "bomb",
    [
        png_of(50_000, 50_000),
        tiles_of_a_bomb(),
        millions_of_strips(),
        a_hundred_tags_that_share_their_bytes(),
        page_of(b"1 1 2 2 re f " * 8_000_000),
    ],
    ids=["png", "tiles", "strips", "tags", "pdf"],
)
def test_a_bomb_is_refused_without_memory(bomb):
    outcome, growth = outcome_and_growth(bomb)

    assert outcome == "refused"
    assert growth < 8 * MIB


@pytest.mark.parametrize("name", [b"IDAT", b"IEND"], ids=["first", "last"])
def test_a_chunk_that_announces_gigabytes_takes_no_memory(name):
    file = encoded(Image.new("L", (28, 28)), "PNG")
    at = file.index(name)

    _, growth = outcome_and_growth(
        file[: at - 4] + b"\xff\xff\xff\x00IDAT" + file[at + len(name) :]
    )

    assert growth < 8 * MIB


def test_the_exif_of_a_tiff_is_not_unpacked():
    count = 1_000_000
    exif = struct.pack("<HHHLLL", 1, 33434, RATIONAL, count, BLOB_AT + 18, 0)
    data = tiff_of(TIFF_TAGS | {34665: (LONG, 1, BLOB_AT)}, exif + struct.pack("<LL", 1, 3) * count)

    outcome, growth = outcome_and_growth(data)

    assert outcome == "read"
    assert growth < 8 * MIB


@pytest.mark.parametrize("values", [np.uint16, np.int32, np.float32])
def test_wide_values_cost_little_more_than_themselves(values):
    wide = np.arange(MAX_PIXELS, dtype=np.uint32).reshape(4000, 4000) % 65536
    image = Image.fromarray(wide.astype(values))

    outcome, growth = outcome_and_growth(encoded(image, "TIFF"))

    assert outcome == "read"
    # The picture as Pillow holds it, as the grey one, and a few strips.
    assert growth < wide.size * (np.dtype(values).itemsize + 1) + 24 * MIB


def test_a_hundred_pages_take_the_memory_of_one():
    page = drawing((2000, 1000))
    file = document([page] * 100, "TIFF", compression="tiff_lzw")

    outcome, growth = outcome_and_growth(file)

    assert outcome == "read"
    # The page as Pillow holds it, its bytes, the grey picture, and the one before.
    assert growth < 4 * page.width * page.height + len(file) + 8 * MIB
