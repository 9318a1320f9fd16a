"""Documents that tests draw, and PDFs that no program would write."""

import zlib
from io import BytesIO

import pillow_heif
from PIL import Image

pillow_heif.register_heif_opener()

A4 = (595, 842)


def document(pages, file_format, **options):
    """Return pictures as the pages of one file; a PDF has a pixel for a point."""
    if file_format == "PDF":
        options.setdefault("resolution", 72)
    # Pillow stores the options of a JPEG, which a PDF contains, in the picture for the next format.
    first, *others = (page.copy() for page in pages)
    several = {"save_all": True, "append_images": others} if others else {}
    file = BytesIO()
    first.save(file, file_format, **several, **options)
    return file.getvalue()


def from_bytes(data):
    return Image.open(BytesIO(data))


def stream(entries, content):
    packed = zlib.compress(content)
    head = b"<<%b/Filter/FlateDecode/Length %d>>stream\n" % (entries, len(packed))
    return head + packed + b"\nendstream"


def pdf_of(objects, trailer=b""):
    """Return a PDF of `objects`, the first of which is the catalogue."""
    body, places = b"%PDF-1.7\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(body))
        body += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    size = len(objects) + 1
    return (
        body
        + b"xref\n0 %d\n0000000000 65535 f \n%btrailer\n<</Size %d/Root 1 0 R%b>>\n"
        % (
            size,
            table,
            size,
            trailer,
        )
        + b"startxref\n%d\n%%%%EOF" % len(body)
    )


def page_of(content, *objects, resources=b"", box=A4, kids=b"3 0 R", trailer=b""):
    """Return a PDF whose page draws `content`; further objects have the numbers from 5."""
    return pdf_of(
        [
            b"<</Type/Catalog/Pages 2 0 R>>",
            b"<</Type/Pages/Kids[%b]/Count %d>>" % (kids, kids.count(b"R")),
            b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 %d %d]/Contents 4 0 R/Resources<<%b>>>>"
            % (*box, resources),
            stream(b"", content),
            *objects,
        ],
        trailer,
    )


def with_a_picture_of(width, height):
    entries = b"/Type/XObject/Subtype/Image/ColorSpace/DeviceGray/BitsPerComponent 8"
    picture = stream(entries + b"/Width %d/Height %d" % (width, height), bytes(1000))
    return page_of(b"500 0 0 500 0 0 cm /I Do", picture, resources=b"/XObject<</I 5 0 R>>")


def groups_of_groups(depth):
    """Each draws the next one ten times, a square at last."""
    form = b"/Type/XObject/Subtype/Form/BBox[0 0 600 900]"
    others = [
        stream(form + b"/Resources<</XObject<</F %d 0 R>>>>" % number, b"/F Do " * 10)
        for number in range(6, 6 + depth)
    ]
    square = stream(form, b"1 1 2 2 re f")
    return page_of(b"/F Do", *others, square, resources=b"/XObject<</F 5 0 R>>")


def tiny_tiles():
    tile = b"/Type/Pattern/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 1 1]/Resources<<>>"
    pattern = stream(tile + b"/XStep 0.001/YStep 0.001", b"0 0 1 1 re f")
    paints = b"/Pattern cs /P scn 0 0 595 842 re f"
    return page_of(paints, pattern, resources=b"/Pattern<</P 5 0 R>>")
