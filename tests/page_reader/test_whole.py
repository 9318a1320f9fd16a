"""Pages of which something is missing: pdfium would draw the rest."""

import re
import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from service.page_reader.__main__ import Refused, read_pdf
from tests.imaging.documents import page_of, stream
from tests.imaging.samples import drawing, encoded

WIDTH, HEIGHT = 160, 120
DRAWN = np.asarray(drawing((WIDTH, HEIGHT)))
SEEN = b"500 0 0 500 0 0 cm /I Do"


def strip_of(compression, image):
    file = Image.open(BytesIO(encoded(image, "TIFF", compression=compression)))
    [start], [length] = file.tag_v2[273], file.tag_v2[279]
    return file.fp.getbuffer()[start : start + length].tobytes()


def jbig2():
    """A page, and a region whose arithmetic code is any bytes: noise."""
    size = struct.pack(">LL", WIDTH, HEIGHT)
    page = struct.pack(">LBBBL", 0, 48, 0, 1, 19) + size + bytes(8) + b"\0\0\0"
    code = np.random.default_rng(1).bytes(2000)
    region = size + bytes(9) + b"\0" + bytes([3, 255, 253, 255, 2, 254, 254, 254]) + code
    return page + struct.pack(">LBBBL", 1, 38, 0, 1, len(region)) + region


GREY, ONE_BIT = (
    b"/ColorSpace/DeviceGray/BitsPerComponent 8",
    b"/ColorSpace/DeviceGray/BitsPerComponent 1",
)
RGB = b"/ColorSpace[/ICCBased 6 0 R]/BitsPerComponent 8"
PREDICTED = b"/DecodeParms<</Predictor 15/Columns %d>>" % WIDTH
FAX = b"/DecodeParms[<</K -1/Columns %d>>]" % WIDTH
ONE = Image.fromarray(DRAWN > 128)
FLAT = zlib.compress(DRAWN.tobytes())
COLOURED = DRAWN.repeat(3).tobytes()
ENCODINGS = {
    "raw": (GREY, DRAWN.tobytes()),
    "flate": (GREY + b"/Filter/FlateDecode", FLAT),
    "flate-predicted": (
        GREY + b"/Filter/FlateDecode" + PREDICTED,
        zlib.compress(np.pad(DRAWN, ((0, 0), (1, 0))).tobytes()),
    ),
    "flate-rgb": (RGB + b"/Filter[/FlateDecode]", zlib.compress(COLOURED)),
    "flate-mask": (
        b"/ImageMask true/Filter/FlateDecode",
        zlib.compress(np.packbits(DRAWN > 128, 1).tobytes()),
    ),
    "hex": (GREY + b"/Filter/ASCIIHexDecode", DRAWN.tobytes().hex().encode() + b">"),
    "lzw": (GREY + b"/Filter/LZWDecode", strip_of("tiff_lzw", drawing((WIDTH, HEIGHT)))),
    "runs": (GREY + b"/Filter/RunLengthDecode", strip_of("packbits", drawing((WIDTH, HEIGHT)))),
    "jpeg": (GREY + b"/Filter/DCTDecode", encoded(drawing((WIDTH, HEIGHT)), "JPEG")),
    "flate-jpeg": (
        GREY + b"/Filter[/FlateDecode/DCTDecode]",
        zlib.compress(encoded(drawing((WIDTH, HEIGHT)), "JPEG")),
    ),
    "jpeg2000": (b"/Filter/JPXDecode", encoded(drawing((WIDTH, HEIGHT)), "JPEG2000")),
    "fax": (ONE_BIT + b"/Filter/CCITTFaxDecode" + FAX, strip_of("group4", ONE)),
    "jbig2": (ONE_BIT + b"/Filter/JBIG2Decode", jbig2()),
}  # fmt: skip


def picture(entries, data, height=HEIGHT):
    head = b"<</Type/XObject/Subtype/Image%b/Width %d/Height %d/Length %d>>stream\n"
    return head % (entries, WIDTH, height, len(data)) + data + b"\nendstream"


def page_with(*objects):
    """A page that draws the first of `objects`, whose numbers start at 5."""
    return page_of(SEEN, *objects, resources=b"/XObject<</I 5 0 R>>")


def drawn(file):
    """The share of dark pixels of the first page."""
    _, pixels = read_pdf(file, 1, 10**6, 9)
    return (np.frombuffer(pixels, np.uint8) < 128).mean()


def refusal(file):
    with pytest.raises(Refused) as raised:
        read_pdf(file, 1, 10**6, 9)
    error, reason = raised.value.args
    assert error == "UnreadableImage"
    return re.sub("^page 1 of the PDF is damaged: |; send the whole file$", "", reason)


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_picture_in_any_encoding_is_drawn(encoding):
    assert drawn(page_with(picture(*ENCODINGS[encoding]), stream(b"/N 3", b""))) > 0.01


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("share", [0, 0.3, 0.7])
def test_a_picture_that_is_cut_off_is_refused(encoding, share):
    entries, data = ENCODINGS[encoding]
    cut = picture(entries, data[: int(share * len(data))])

    assert refusal(page_with(cut, stream(b"/N 3", b"")))


@pytest.mark.parametrize("encoding", ["flate", "flate-rgb", "flate-mask", "raw", "hex", "lzw"])
def test_a_picture_shorter_than_announced_is_refused(encoding):
    entries, data = ENCODINGS[encoding]
    longer = picture(entries, data, height=HEIGHT + 1)

    assert refusal(page_with(longer, stream(b"/N 3", b""))) == "the picture /I is incomplete"


@pytest.mark.parametrize("encoding", ["flate", "fax", "jpeg2000", "jpeg"])
def test_a_picture_with_a_damaged_start_is_refused(encoding):
    entries, data = ENCODINGS[encoding]

    assert refusal(page_with(picture(entries, bytes(30) + data[30:])))


def test_a_fax_that_is_damaged_inside_is_refused():
    data = strip_of("group4", Image.effect_noise((WIDTH, HEIGHT), 90).convert("1"))
    damaged = data[:99] + bytes(20) + data[119:]

    assert drawn(page_with(picture(ENCODINGS["fax"][0], data))) > 0.05
    assert "/I is incomplete" in refusal(page_with(picture(ENCODINGS["fax"][0], damaged)))


@pytest.mark.parametrize(
    ("objects", "reason"),
    [
        ([], "/I is missing"),
        ([stream(b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]", b"/J Do")], "/J is missing"),
        (
            [
                stream(
                    b"/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</J 6 0 R>>>>",
                    b"/J Do",
                ),
                picture(GREY, DRAWN.tobytes()[:-1]),
            ],
            "/J is incomplete",
        ),
        ([picture(GREY + b"/SMask 6 0 R", DRAWN.tobytes())], "the mask of /I is missing"),
        (
            [
                picture(GREY + b"/SMask 6 0 R", DRAWN.tobytes()),
                picture(GREY, DRAWN.tobytes()[:-1]),
            ],
            "the mask of /I is incomplete",
        ),
        (
            [picture(ONE_BIT + b"/Filter/JBIG2Decode/DecodeParms<</JBIG2Globals 6 0 R>>", jbig2())],
            "/I is incomplete",
        ),
    ],
    ids=["picture", "in-form", "cut-in-form", "mask", "cut-mask", "jbig2-globals"],
)
def test_what_is_missing_is_named(objects, reason):
    assert reason in refusal(page_with(*objects))


@pytest.mark.parametrize("contents", [b"9 0 R", b"[4 0 R 9 0 R]"])
def test_a_page_without_its_content_is_refused(contents):
    file = page_of(b"").replace(b"/Contents 4 0 R", b"/Contents " + contents)

    assert refusal(file) == "its content is missing"


def test_a_page_whose_content_is_cut_off_is_refused():
    packed = zlib.compress(b"1 1 2 2 re f " * 99)
    content = b"<</Filter/FlateDecode/Length 20>>stream\n" + packed[:20] + b"\nendstream"

    assert "cut off" in refusal(page_of(b"").replace(stream(b"", b""), content))


def test_an_annotation_is_part_of_the_page():
    note = b"<</Type/Annot/Subtype/Ink/Rect[0 0 99 99]/AP<</N 6 0 R>>>>"
    file = page_of(b"", note).replace(b"/Contents 4 0 R", b"/Annots[5 0 R]")

    assert refusal(file) == "an annotation is missing"


def test_another_pages_picture_may_be_missing():
    resources = b"/XObject<</I 5 0 R/J 9 0 R>>"

    assert drawn(page_of(SEEN, picture(GREY, DRAWN.tobytes()), resources=resources)) > 0.01


def test_a_page_without_content_is_blank():
    assert drawn(page_of(b"").replace(b"/Contents 4 0 R", b"")) == 0


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_file_that_is_cut_off_is_refused_even_if_its_trailer_comes_first(share):
    trailer = b"trailer<</Root 1 0 R/Size 9>>\n"
    file = page_with(picture(GREY, DRAWN.tobytes())).replace(b"4 0 obj", trailer + b"4 0 obj")

    assert drawn(file) > 0.01
    assert "end of the PDF is missing" in refusal(file[: int(share * len(file))])
    # The end of an earlier version of the file proves nothing.
    assert "is missing" in refusal(file[: file.index(b"4 0 obj")] + b"%%EOF")
