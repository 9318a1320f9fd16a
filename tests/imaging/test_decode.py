import struct
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from service.imaging import PictureTooLarge, UnreadableImage, UnsupportedFormat, decode
from tests.imaging.samples import (
    MAX_PIXELS,
    assert_picture_or_refusal,
    drawing,
    encoded,
    in_child,
    png_of,
    read,
)

# Pytest undoes the filter that importing service.imaging sets.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL.TiffImagePlugin")

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF")
MODES = {
    "PNG": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "JPEG": ("L", "RGB", "CMYK"),
    "BMP": ("1", "L", "P", "RGB"),
    "GIF": ("1", "L", "P", "RGB"),
    "WEBP": ("L", "RGB", "RGBA"),
    "TIFF": ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"),
}


def in_mode(image, mode):
    if mode == "I;16":
        return Image.fromarray(np.asarray(image).astype(np.uint16) * 257)
    if mode == "I":
        return Image.fromarray(np.asarray(image).astype(np.int32) * 257)
    if mode == "F":
        return Image.fromarray(np.asarray(image).astype(np.float32) / 255)
    return image.convert(mode)


@pytest.mark.parametrize(
    ("file_format", "mode"), [(name, mode) for name in FORMATS for mode in MODES[name]]
)
def test_every_format_is_read_in_every_mode(file_format, mode):
    original = drawing((40, 30))

    picture = read(encoded(in_mode(original, mode), file_format))

    assert picture.dtype == np.uint8
    assert picture.shape == (30, 40)
    assert np.abs(picture.astype(int) - np.asarray(original)).mean() < 4


def test_grey_values_of_a_png_are_kept_exactly():
    values = np.arange(28 * 28, dtype=np.uint32).reshape(28, 28).astype(np.uint8)

    assert np.array_equal(read(encoded(Image.fromarray(values), "PNG")), values)


@pytest.mark.parametrize("mode", ["L", "RGB"])
@pytest.mark.parametrize("options", [{}, {"subsampling": 2}, {"restart_marker_blocks": 3}])
@pytest.mark.parametrize("comment", [b"", b"drawn"])
def test_a_plain_jpeg_has_the_pixels_that_pillow_reads(mode, options, comment):
    noise = np.random.default_rng(0).integers(0, 256, (37, 53, 3), np.uint8)
    file = encoded(Image.fromarray(noise).convert(mode), "JPEG", comment=comment, **options)
    with Image.open(BytesIO(file)) as image:
        image.draft("L", image.size)
        expected = np.asarray(image.convert("L"))

    assert np.array_equal(read(file), expected)


@settings(max_examples=200, deadline=None)
@given(st.integers(2, 400), st.binary(max_size=8), st.integers(0, 8))
def test_a_damaged_jpeg_has_the_pixels_that_pillow_reads_or_is_refused(place, written, removed):
    file = encoded(drawing(), "JPEG")
    damaged = file[:place] + written + file[place + removed :]
    try:
        picture = read(damaged)
    except UnreadableImage:
        return

    with Image.open(BytesIO(damaged)) as image:
        image.draft("L", image.size)
        assert np.array_equal(picture, ImageOps.exif_transpose(image).convert("L"))


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (8, 8), (901, 701)])
def test_every_size_is_read(size):
    assert read(encoded(Image.new("L", size, 200), "PNG")).shape == size[::-1]


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_a_picture_is_turned_upright_as_its_exif_says(file_format, orientation):
    stored_from_upright = {
        1: lambda upright: upright,
        2: np.fliplr,
        3: lambda upright: np.rot90(upright, 2),
        4: np.flipud,
        5: np.transpose,
        6: np.rot90,
        7: lambda upright: np.rot90(upright, 2).T,
        8: lambda upright: np.rot90(upright, -1),
    }
    upright = np.asarray(drawing((48, 32)))
    stored = Image.fromarray(np.ascontiguousarray(stored_from_upright[orientation](upright)))
    exif = Image.Exif()
    exif[0x0112] = orientation

    picture = read(encoded(stored, file_format, exif=exif))

    assert picture.shape == upright.shape
    assert np.abs(picture.astype(int) - upright).mean() < 4


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("ink", [0, 90, 200, 255])
def test_ink_on_a_transparent_canvas_stays_visible(mode, ink):
    mask = drawing(ink=255, paper=0)
    canvas = Image.merge("LA", (Image.new("L", mask.size, ink), mask)).convert(mode)

    picture = read(encoded(canvas, "PNG")).astype(int)

    on_ink = picture[np.asarray(mask) == 255]
    on_canvas = picture[np.asarray(mask) == 0]
    assert abs(on_ink.mean() - on_canvas.mean()) > 90


@pytest.mark.parametrize("file_format", ["PNG", "WEBP"])
def test_an_exif_longer_than_any_camera_writes_is_refused(file_format):
    exif = b"II*\0\x08\0\0\0" + b"\0" * (1 << 20)

    with pytest.raises(UnreadableImage, match="EXIF"):
        read(encoded(drawing(), file_format, exif=exif))


def test_a_transparent_colour_of_a_palette_becomes_paper():
    image = Image.new("P", (28, 28), 0)
    image.putpalette([0, 0, 0, 10, 10, 10])
    image.paste(1, (10, 5, 16, 23))

    picture = read(encoded(image, "PNG", transparency=0))

    assert picture[0, 0] == 255
    assert picture[14, 13] == 10


def test_a_transparent_colour_of_a_grey_image_becomes_paper():
    picture = read(encoded(drawing(ink=30, paper=0), "PNG", transparency=0))

    assert picture[0, 0] == 255
    assert picture[14, 14] == 30


def test_a_transparent_gif_becomes_paper():
    image = Image.new("P", (28, 28), 0)
    image.putpalette([255, 0, 0, 10, 10, 10])
    image.paste(1, (10, 5, 16, 23))

    assert read(encoded(image, "GIF", transparency=0))[0, 0] == 255


def test_a_page_with_transparent_corners_keeps_light_corners():
    page = drawing((60, 60)).convert("LA")
    page.paste((0, 0), (0, 0, 8, 8))

    picture = read(encoded(page, "PNG"))

    assert picture[2, 2] == 255
    assert picture.min() == 0


def test_a_canvas_without_a_stroke_is_flat():
    assert np.ptp(read(encoded(Image.new("RGBA", (28, 28), (0, 0, 0, 0)), "PNG"))) == 0


def test_sixteen_bits_are_scaled_by_their_range():
    values = np.linspace(0, 65535, 28 * 28).reshape(28, 28).astype(np.uint16)

    picture = read(encoded(Image.fromarray(values), "PNG"))

    assert np.array_equal(picture, np.rint(values / 257).astype(np.uint8))


@pytest.mark.parametrize("size", [(900, 700), (7, 90_000), (300_000, 2)])
def test_a_wide_picture_is_scaled_alike_from_top_to_bottom(size):
    width, height = size
    values = np.linspace(0, 65535, width * height).reshape(height, width).astype(np.uint16)

    picture = read(encoded(Image.fromarray(values), "TIFF"))

    assert np.array_equal(picture, np.rint(values / 257).astype(np.uint8))


@pytest.mark.parametrize("full_scale", [1, 255, 1023, 4095, 65535])
def test_a_narrow_range_in_sixteen_bits_is_not_dark(full_scale):
    values = (np.asarray(drawing()) // 255).astype(np.uint16) * full_scale

    assert np.array_equal(read(encoded(Image.fromarray(values), "TIFF")), np.asarray(drawing()))


def test_big_endian_sixteen_bits_are_read():
    values = np.linspace(0, 65535, 28 * 28).reshape(28, 28).astype(">u2")
    image = Image.frombytes("I;16B", (28, 28), values.tobytes())

    picture = read(encoded(image, "TIFF"))

    assert np.array_equal(picture, np.rint(values / 257).astype(np.uint8))


def test_fractions_with_a_sign_are_stretched_to_their_range():
    values = np.linspace(-2.0, 3.0, 28 * 28, dtype=np.float32).reshape(28, 28)

    picture = read(encoded(Image.fromarray(values), "TIFF"))

    assert (picture.min(), picture.max()) == (0, 255)


def test_values_that_are_not_numbers_are_refused():
    values = np.full((28, 28), np.nan, np.float32)

    with pytest.raises(UnreadableImage, match="finite"):
        read(encoded(Image.fromarray(values), "TIFF"))


@pytest.mark.parametrize("compression", ["group3", "group4", "tiff_lzw", "packbits"])
def test_a_bitonal_tiff_is_read_whatever_its_compression(compression):
    image = drawing((200, 120)).convert("1")

    picture = read(encoded(image, "TIFF", compression=compression))

    assert np.array_equal(picture, np.asarray(image.convert("L")))


def test_a_bank_image_in_which_white_is_zero_keeps_its_ink_dark():
    image = drawing((200, 120)).convert("1")
    white_is_zero = encoded(image, "TIFF", compression="group4", tiffinfo={262: 0})

    picture = read(white_is_zero)

    assert picture[0, 0] == 255
    assert picture.min() == 0


@pytest.mark.parametrize("file_format", ["GIF", "TIFF", "WEBP", "PNG"])
def test_only_the_first_frame_is_read(file_format):
    first, later = drawing((40, 30)), Image.new("L", (40, 30), 128)
    options = {"lossless": True} if file_format == "WEBP" else {}

    data = encoded(first, file_format, save_all=True, append_images=[later] * 9, **options)

    assert np.array_equal(read(data), np.asarray(first))


def test_a_large_photograph_is_reduced_but_not_below_1000_pixels():
    photograph = encoded(drawing((4000, 3000), mode="RGB", ink=(0, 0, 0), paper=(240,) * 3), "JPEG")

    assert read(photograph, max_pixels=20_000_000).shape == (750, 1000)


def test_a_phones_photograph_with_a_preview_is_reduced_likewise():
    photograph = drawing((4000, 3000), mode="RGB", ink=(0, 0, 0), paper=(240,) * 3)
    data = encoded(photograph, "MPO", save_all=True, append_images=[drawing((40, 30), mode="L")])
    assert Image.open(BytesIO(data)).format == "MPO"

    assert read(data, max_pixels=20_000_000).shape == (750, 1000)


def test_a_small_photograph_keeps_its_size():
    assert read(encoded(drawing((1900, 300)), "JPEG")).shape == (300, 1900)


@pytest.mark.parametrize("file_format", FORMATS)
def test_more_pixels_than_allowed_are_refused(file_format):
    with pytest.raises(PictureTooLarge, match="40 x 30"):
        read(encoded(drawing((40, 30)), file_format), max_pixels=40 * 30 - 1)


@pytest.mark.parametrize("file_format", FORMATS)
def test_as_many_pixels_as_allowed_are_read(file_format):
    assert read(encoded(drawing((40, 30)), file_format), max_pixels=40 * 30).shape == (30, 40)


@pytest.mark.parametrize("max_pixels", [MAX_PIXELS, 10**12])
def test_a_bomb_is_refused_from_its_header(max_pixels):
    with pytest.raises(PictureTooLarge):
        read(png_of(50_000, 50_000), max_pixels)


@pytest.mark.parametrize(
    "data",
    [b"hello, I am a text named digit.png", b"%!PS-Adobe", b"\0" * 100, b"\x89PN", b"<svg></svg>"],
)
def test_bytes_that_are_no_picture_are_an_unsupported_format(data):
    with pytest.raises(UnsupportedFormat, match="send PNG"):
        read(data)


def test_another_picture_format_is_unsupported():
    with pytest.raises(UnsupportedFormat):
        read(encoded(drawing(), "PPM"))


def test_an_empty_file_is_unreadable():
    with pytest.raises(UnreadableImage, match="empty"):
        read(b"")


def test_a_text_that_starts_like_a_bitmap_is_unreadable():
    with pytest.raises(UnreadableImage, match="BMP"):
        read(b"BM, dear reader, is how this letter starts and it goes on for a while")


@pytest.mark.parametrize("file_format", FORMATS)
@pytest.mark.parametrize("mode", ["1", "RGB"])
def test_a_file_cut_off_anywhere_is_read_or_refused(file_format, mode):
    image = drawing().convert("L" if (file_format, mode) == ("JPEG", "1") else mode)
    data = encoded(image, file_format)

    for length in range(len(data)):
        assert_picture_or_refusal(data[:length])


@pytest.mark.parametrize("file_format", FORMATS)
def test_half_a_file_is_refused(file_format):
    data = encoded(
        Image.fromarray(np.random.default_rng(1).integers(0, 255, (64, 64), np.uint8)), file_format
    )

    with pytest.raises(UnreadableImage):
        read(data[: len(data) // 2])


@given(st.binary(max_size=300), st.sampled_from(["", *FORMATS]))
@settings(max_examples=300, deadline=None)
def test_arbitrary_bytes_give_a_picture_or_a_refusal(data, file_format):
    signature = encoded(drawing(), file_format)[:12] if file_format else b""

    assert_picture_or_refusal(signature + data)


@given(
    st.sampled_from([(name, mode) for name in FORMATS for mode in MODES[name]]),
    st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=8),
)
@settings(max_examples=500, deadline=None)
def test_damaged_files_give_a_picture_or_a_refusal(kind, damages):
    file_format, mode = kind
    data = bytearray(encoded(in_mode(drawing(), mode), file_format))
    for position, value in damages:
        data[position % len(data)] = value

    assert_picture_or_refusal(bytes(data))


def test_pillows_warnings_stay_inside():
    exif = b"Exif\0\0II*\0\x08\0\0\0" + struct.pack("<H", 3) + b"\x12\x01\x03\0" * 9
    data = encoded(drawing(), "JPEG", exif=exif)

    assert in_child("decode(data, max_pixels=10**6)", data).stderr == b""


def test_pillows_own_limit_is_left_alone():
    before = Image.MAX_IMAGE_PIXELS

    read(encoded(drawing(), "PNG"))

    assert before == Image.MAX_IMAGE_PIXELS


@pytest.mark.parametrize(
    "repeated",
    [b"\xff" * 100_000, b"\xff\x00" * 50_000, b"\xff\xd0" * 50_000, b"\xff\xfe\x00\x02" * 1000],
    ids=["fill bytes", "stuffed bytes", "restart markers", "comments"],
)
def test_a_jpeg_of_endless_headers_is_refused(repeated):
    file = encoded(drawing(), "JPEG")

    with pytest.raises(UnreadableImage, match="segments"):
        decode(file[:20] + repeated + file[20:], max_pixels=MAX_PIXELS)


def test_a_jpeg_may_have_a_few_scans():
    file = BytesIO()
    drawing().save(file, "JPEG", progressive=True)
    data = file.getvalue()
    last_scan = data[data.rindex(b"\xff\xda") : -2]

    decode(data[:-2] + 50 * last_scan + data[-2:] + 200 * last_scan, max_pixels=MAX_PIXELS)
    with pytest.raises(UnreadableImage, match="scans"):
        decode(data[:-2] + 100 * last_scan + data[-2:], max_pixels=MAX_PIXELS)


def test_a_jpeg_may_have_a_large_profile_and_restart_markers():
    file = BytesIO()
    drawing().convert("RGB").resize((600, 600)).save(
        file, "JPEG", icc_profile=bytes(9_000_000), restart_marker_blocks=1
    )

    assert file.getvalue().count(b"\xff\xd0") > 100
    assert decode(file.getvalue(), max_pixels=MAX_PIXELS).shape == (600, 600)
