import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from service.imaging import (
    MOST_PAGES,
    PictureTooLarge,
    UnreadableImage,
    count_pages,
    documents,
    is_picture,
)
from tests.imaging.documents import (
    document,
    groups_of_groups,
    page_of,
    pdf_of,
    tiny_tiles,
    with_a_picture_of,
)
from tests.imaging.samples import assert_picture_or_refusal, drawing, encoded, read

HEIC = encoded(drawing((80, 60)), "HEIF")
PAGES = [drawing((80, 60), ink) for ink in (0, 90, 160)]
SQUARE = b"100 100 200 200 re f"
KEY = b"/Encrypt<</Filter/Standard/V 1/R 2/O(%b)/U(%b)/P -4>>/ID[(a)(a)]" % (b"o" * 32, b"u" * 32)


@pytest.fixture
def short_of_time(monkeypatch):
    monkeypatch.setattr(documents, "_CPU_SECONDS", 1)


@pytest.mark.parametrize("file_format", ["PDF", "TIFF"])
def test_every_page_is_read_by_its_number(file_format):
    file = document(PAGES, file_format)

    pages = [read(file, page=page) for page in (1, 2, 3)]
    shapes = [page.shape for page in pages]
    darkest = [int(page.min()) for page in pages]

    assert count_pages(file) == len(shapes) == 3
    assert len(set(shapes)) == 1
    assert darkest == pytest.approx([0, 90, 160], abs=20)


@pytest.mark.parametrize("options", [{"big_tiff": True}, {"compression": "tiff_lzw"}])
def test_every_page_of_a_tiff_is_exactly_what_was_written(options):
    file = document(PAGES, "TIFF", **options)

    assert count_pages(file) == len(PAGES)
    for page, original in enumerate(PAGES, 1):
        assert np.array_equal(read(file, page=page), np.asarray(original))


@pytest.mark.parametrize("file_format", ["HEIF", "AVIF"])
@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_phone_pictures_are_read_in_every_mode(file_format, mode):
    file = encoded(drawing((80, 60)).convert(mode), file_format)

    picture = read(file)

    assert is_picture(file[:16])
    assert count_pages(file) == 1
    assert picture.shape == (60, 80)
    assert np.abs(picture.astype(int) - np.asarray(drawing((80, 60)))).mean() < 4


def test_a_turned_avif_is_read_upright():
    exif = Image.Exif()
    exif[0x0112] = 6

    assert read(encoded(drawing((80, 60)), "AVIF", exif=exif)).shape == (80, 60)


@pytest.mark.parametrize("file_format", ["HEIF", "AVIF"])
def test_what_is_transparent_becomes_paper(file_format):
    image = Image.new("RGBA", (40, 30), (0, 0, 0, 0))
    image.paste((0, 0, 0, 255), (10, 10, 20, 20))

    picture = read(encoded(image, file_format))

    assert picture[15, 15] < 30
    assert picture[2, 2] > 225


@pytest.mark.parametrize(
    ("max_pixels", "shape"), [(16_000_000, (2338, 1652)), (1_000_000, (1189, 840))]
)
def test_a_page_is_rendered_at_200_dpi_or_as_large_as_allowed(max_pixels, shape):
    picture = read(page_of(SQUARE), max_pixels)

    assert picture.shape == shape
    assert (picture == 0).mean() == pytest.approx(200 * 200 / (595 * 842), abs=0.005)


@pytest.mark.parametrize(
    ("file_format", "reason"),
    [
        *((each, "no page 2; the file has 1") for each in ("HEIF", "TIFF", "PDF")),
        ("PNG", "no page 2; of a PNG, only page 1 is read"),
        ("GIF", "no page 2; of a GIF, only page 1 is read"),
    ],
)
def test_a_page_that_does_not_exist_is_refused(file_format, reason):
    with pytest.raises(UnreadableImage, match=reason):
        read(encoded(drawing(), file_format), page=2)


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\r\n\n"])
def test_a_pdf_may_start_with_blanks(before):
    assert np.array_equal(read(before + page_of(SQUARE)), read(page_of(SQUARE)))


def test_an_unreadable_page_does_not_affect_the_others():
    file = page_of(SQUARE, b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 9999 9999]>>",
                   kids=b"3 0 R 5 0 R 3 0 R")  # fmt: skip

    first, third = read(file, page=1), read(file, page=3)

    assert count_pages(file) == 3
    with pytest.raises(PictureTooLarge):
        read(file, page=2)
    assert np.array_equal(first, third)


@pytest.mark.parametrize(
    ("file", "error", "reason"),
    [
        (b"%PDF-1.7\n" + bytes(1000), UnreadableImage, "PDF is damaged"),
        (page_of(SQUARE)[:200], UnreadableImage, "PDF is damaged"),
        (page_of(SQUARE, trailer=KEY), UnreadableImage, "PDF is encrypted"),
        (page_of(SQUARE, kids=b""), UnreadableImage, "damaged"),
        (page_of(SQUARE, kids=b"3 0 R " * 100_000), UnreadableImage, f"from 1 to {MOST_PAGES}"),
        (page_of(SQUARE, box=(10**9, 10**9)), PictureTooLarge, "352777778 mm"),
        (with_a_picture_of(30_000, 30_000), PictureTooLarge, "30000 x 30000 pixels"),
        (HEIC[:-100], UnreadableImage, "AVIF data is damaged"),
        (encoded(drawing((80, 60)), "AVIF")[:-100], UnreadableImage, "AVIF data is damaged"),
        (encoded(Image.new("L", (1001, 1000)), "AVIF"), PictureTooLarge, "1001 x 1000 pixels"),
        (encoded(Image.new("L", (1001, 1000)), "HEIF"), PictureTooLarge, "1001 x 1000 pixels"),
        (
            re.sub(rb"(ispe....)........", rb"\1" + 2 * b"\0\0\xea\x60", HEIC, flags=re.DOTALL),
            PictureTooLarge,
            "announces more pixels",
        ),
        (b"\0\0\0\x18ftypheic" + bytes(100), UnreadableImage, "AVIF data is damaged"),
    ],
    ids=[
        "garbage",
        "cut",
        "encrypted",
        "empty",
        "pages",
        "box",
        "picture",
        "heic",
        "avif",
        "large-avif",
        "large-heic",
        "announced",
        "head",
    ],
)
def test_bad_documents_are_refused_in_a_sentence(file, error, reason):
    with pytest.raises(error, match=reason) as raised:
        read(file)

    assert raised.type is error


@pytest.mark.parametrize(
    "bomb",
    [
        groups_of_groups(12),
        tiny_tiles(),
        page_of(b"1 1 2 2 re f " * 8_000_000),
        pdf_of([b"<</Pages 2 0 R/X" + b"[" * 10**6 + b">>", b"<</Kids[]>>"]),
    ],
    ids=["groups", "tiles", "content", "nested"],
)
@pytest.mark.usefixtures("short_of_time")
def test_a_bomb_is_refused_and_the_process_goes_on(bomb):
    with pytest.raises(UnreadableImage, match="damaged"):
        read(bomb)

    assert count_pages(page_of(SQUARE)) == 1


@given(
    st.sampled_from(["PDF", "HEIF", "AVIF"]), st.floats(0, 1), st.binary(max_size=8), st.booleans()
)
@settings(max_examples=20, deadline=None)
def test_any_damage_gives_a_picture_or_a_refusal(file_format, place, written, cut):
    file = encoded(drawing((80, 60)), file_format)
    at = int(place * len(file))

    assert_picture_or_refusal(file[:at] + written + (b"" if cut else file[at + len(written) :]))
