import struct
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from service.imaging import PictureTooLarge, UnreadableImage, UnsupportedFormat, decode
from tests.imaging.samples import (
    ASCII,
    BLOB_AT,
    BYTE,
    LONG,
    PIXELS,
    PIXELS_AT,
    SHORT,
    SIDE,
    TIFF_TAGS,
    assert_picture_or_refusal,
    drawing,
    encoded,
    read,
    tiff_of,
)

# Pytest undoes the filter that importing service.imaging sets.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL.TiffImagePlugin")

SLONG, IFD, SLONG8 = 9, 13, 17
TILE_WIDTH, TILE_LENGTH = 322, 323
TILED_TAGS = {tag: entry for tag, entry in TIFF_TAGS.items() if tag not in (273, 278, 279)} | {
    TILE_WIDTH: (SHORT, 1, 32),
    TILE_LENGTH: (SHORT, 1, 32),
    324: (LONG, 1, PIXELS_AT),
    325: (LONG, 1, len(PIXELS)),
}


def big_tiff(order, mark):
    tags = {256: SIDE, 257: SIDE, 258: 8, 259: 1, 262: 1, 273: 16, 277: 1, 278: SIDE, 279: SIDE**2}
    directory = b"".join(
        struct.pack(order + "HHQ", tag, SHORT, 1) + struct.pack(order + "H6x", value)
        for tag, value in tags.items()
    )
    header = mark + struct.pack(order + "HHHQ", 43, 8, 0, 16 + SIDE**2)
    return header + bytes(SIDE**2) + struct.pack(order + "Q", len(tags)) + directory + bytes(8)


def test_the_sample_is_read():
    assert (read(tiff_of(TIFF_TAGS)) == 128).all()


def test_a_big_tiff_is_read():
    assert read(big_tiff("<", b"II")).shape == (SIDE, SIDE)


def test_a_big_tiff_of_the_other_byte_order_which_pillow_cannot_read_is_unsupported():
    with pytest.raises(UnsupportedFormat):
        read(big_tiff(">", b"MM"))


@pytest.mark.parametrize("compression", ["jpeg", "tiff_adobe_deflate", "zstd", "lzma"])
def test_the_other_compressions_are_read(compression):
    original = drawing((48, 40))

    picture = read(encoded(original, "TIFF", compression=compression))

    assert np.abs(picture.astype(int) - np.asarray(original)).mean() < 4


@pytest.mark.parametrize(
    "rare",
    [
        {258: (SHORT, 1, 3)},  # bits per sample
        {262: (SHORT, 1, 32844)},  # colours: LogL
        {277: (SHORT, 1, 9)},  # samples per pixel
        {259: (SHORT, 1, 34661)},  # compression: JBIG, which Pillow does not know
        {259: (SHORT, 1, 50001)},  # WebP, which libtiff lacks
    ],
)
def test_a_rare_kind_of_tiff_is_called_unsupported_not_damaged(rare):
    with pytest.raises(UnsupportedFormat, match="not supported; send 8-bit"):
        read(tiff_of(TIFF_TAGS | rare))


def test_tags_of_scanners_and_photo_editors_are_accepted():
    names = b"Scanner of a long name\0"
    curve = bytes(2 * 3 * 65536)
    blob = names + curve + b"8BIM" * 75_000
    extra = {
        271: (ASCII, len(names), BLOB_AT),
        301: (SHORT, 3 * 65536, BLOB_AT + len(names)),
        34377: (BYTE, 300_000, BLOB_AT + len(names) + len(curve)),
    }

    assert (read(tiff_of(TIFF_TAGS | extra, blob)) == 128).all()


def test_a_picture_in_thousands_of_strips_is_read():
    height = 4000
    picture = np.arange(height * 3, dtype=np.uint32).astype(np.uint8).reshape(height, 3)
    offsets = struct.pack(f"<{height}L", *(BLOB_AT + 3 * row for row in range(height)))
    tags = TIFF_TAGS | {
        256: (SHORT, 1, 3),
        257: (SHORT, 1, height),
        259: (SHORT, 1, 1),
        273: (LONG, height, BLOB_AT + picture.size),
        278: (SHORT, 1, 1),
        279: (SHORT, 1, 3),
    }

    assert np.array_equal(read(tiff_of(tags, picture.tobytes() + offsets)), picture)


def test_tiles_larger_than_allowed_are_refused():
    large = {TILE_WIDTH: (LONG, 1, 60_000), TILE_LENGTH: (LONG, 1, 60_000)}

    with pytest.raises(PictureTooLarge, match="tiles of 60000 x 60000"):
        read(tiff_of(TILED_TAGS | large))


def test_tiles_larger_than_allowed_are_refused_in_the_other_byte_order():
    sides = [struct.pack(">HHLHH", tag, SHORT, 1, 60_000, 0) for tag in (TILE_WIDTH, TILE_LENGTH)]
    directory = struct.pack(">LH", 8, len(sides)) + b"".join(sides)

    with pytest.raises(PictureTooLarge, match="tiles of 60000 x 60000"):
        read(b"MM\0*" + directory + bytes(4))


@pytest.mark.parametrize("value_type", [ASCII, SLONG, IFD, SLONG8])
@pytest.mark.parametrize("side", [TILE_WIDTH, TILE_LENGTH])
def test_a_tile_size_that_pillow_and_libtiff_may_read_differently_is_refused(side, value_type):
    with pytest.raises(UnreadableImage, match=rf"tag {side} .* integer"):
        read(tiff_of(TILED_TAGS | {side: (value_type, 1, 60_000)}))


def test_a_tile_size_of_two_numbers_is_refused():
    with pytest.raises(UnreadableImage, match="2 numbers"):
        read(tiff_of(TILED_TAGS | {TILE_WIDTH: (LONG, 2, PIXELS_AT)}))


def test_the_larger_of_two_tile_sizes_counts():
    tags = TILED_TAGS | {TILE_LENGTH: (LONG, 1, 60_000), 400: (LONG, 1, 60_000)}
    data = tiff_of(tags).replace(struct.pack("<HH", 400, LONG), struct.pack("<HH", 322, LONG))

    with pytest.raises(PictureTooLarge, match="60000 x 60000"):
        read(data)


def test_more_strips_than_any_picture_has_are_refused():
    count = 1_000_000
    strips = {257: (LONG, 1, count), 273: (LONG, count, BLOB_AT)}

    with pytest.raises(UnreadableImage, match="1000000 values; at most"):
        read(tiff_of(TIFF_TAGS | strips, bytes(4 * count)))


def test_strips_that_are_a_text_are_refused():
    with pytest.raises(UnreadableImage, match=r"tag 273 .* integer"):
        read(tiff_of(TIFF_TAGS | {273: (ASCII, 1000, BLOB_AT)}, bytes(1000)))


def test_tags_that_share_their_bytes_are_refused():
    shared = {50_000 + number: (BYTE, 1000, BLOB_AT) for number in range(10)}

    with pytest.raises(UnreadableImage, match="longer than the file"):
        read(tiff_of(TIFF_TAGS | shared, bytes(1000)))


def test_more_tags_than_libtiff_reads_are_refused():
    many = {10_000 + number: (BYTE, 1, 0) for number in range(5000)}

    with pytest.raises(UnreadableImage, match="5009 tags"):
        read(tiff_of(TIFF_TAGS | many))


def test_a_directory_beyond_the_end_is_refused():
    with pytest.raises(UnreadableImage, match="no directory"):
        read(b"II*\0\xff\xff\xff\xff" + bytes(100))


ENTRIES = st.tuples(
    st.integers(0, 19),
    st.sampled_from([0, 1, 2, 3, 4, 100, 300_000, 2**32 - 1]),
    st.one_of(
        st.integers(0, 40),
        st.sampled_from([BLOB_AT, 255, 65_535, 2**31]),
        st.integers(0, 2**32 - 1),
    ),
)
TAGS = st.one_of(
    st.sampled_from([*TILED_TAGS, *TIFF_TAGS, 266, 274, 282, 284, 296, 317, 320, 338, 339, 347]),
    st.sampled_from([512, 530, 532, 700, 34377, 34665, 34675, 34853, 40965]),
    st.integers(0, 65_535),
)


@given(
    st.sampled_from([TIFF_TAGS, TILED_TAGS]),
    st.sampled_from([1, 2, 3, 4, 5, 6, 7, 8, 32771, 32773, 32809, 34676, 34677, 34925, 50000]),
    st.dictionaries(TAGS, ENTRIES, max_size=5),
    st.binary(max_size=100),
)
@settings(max_examples=500, deadline=None)
def test_any_tags_give_a_picture_or_a_refusal(usual, compression, changes, blob):
    assert_picture_or_refusal(tiff_of(usual | {259: (SHORT, 1, compression)} | changes, blob))


def of_pages(count):
    pages = [Image.new("L", (40 + index, 30), 255) for index in range(count)]
    file = BytesIO()
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])
    return file.getvalue()


def test_of_a_few_pages_the_first_is_read():
    assert decode(of_pages(2), max_pixels=10**6).shape == (30, 40)


def test_a_document_of_many_pages_is_refused():
    with pytest.raises(UnreadableImage, match="more than 200 pages"):
        decode(of_pages(201), max_pixels=10**6)


def test_pages_that_lead_back_to_the_first_are_refused():
    file = bytearray(of_pages(1))
    start = int.from_bytes(file[4:8], "little")
    count = int.from_bytes(file[start : start + 2], "little")
    end = start + 2 + 12 * count
    file[end : end + 4] = start.to_bytes(4, "little")

    with pytest.raises(UnreadableImage, match="after its last page comes an earlier one"):
        decode(bytes(file), max_pixels=10**6)
