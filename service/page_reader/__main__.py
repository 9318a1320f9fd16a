"""A program that decodes a page of a PDF, or a HEIC or AVIF file, within limits of its own.

These decoders are large, and nothing bounds what a file makes them do: a PDF of 1 kB can take years
to render. A process can be limited and ended; it also keeps a crash away from the service, and
pdfium, which is not thread-safe, from other threads. It imports nothing of the service.
"""

import json
import sys
from contextlib import suppress
from io import BytesIO

_RESOLUTION, _LEAST_RESOLUTION = 200, 72
_POINTS, _MILLIMETRES = 72, 25.4

# The last bytes of a PDF, which contain its end mark.
_END_BYTES = 1024

# Pictures are often in forms (groups), seldom in forms of forms.
_FORM_DEPTH = 4


class Refused(Exception):
    """The class of the error in `service.errors`, and the reason."""


def main(page: int, max_pixels: int, max_pages: int, memory: int, seconds: int) -> None:
    """Decode standard input; write a line of JSON to standard output, and the pixels.

    The line has `mode` and `size`, only `pages` for page 0, or `error` and `reason`.
    """
    _limit(memory, seconds)
    data = sys.stdin.buffer.read()
    try:
        read = read_pdf if data[4:8] != b"ftyp" else _read_heif
        head, pixels = read(data, page, max_pixels, max_pages)
    except Refused as error:
        head, pixels = dict(zip(("error", "reason"), error.args, strict=True)), b""
    sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + pixels)


def _limit(memory: int, seconds: int) -> None:
    with suppress(ImportError):
        import resource  # noqa: PLC0415 - Windows has none

        # macOS refuses the limit of memory.
        for name, most in (("CPU", seconds), ("CORE", 0), ("FSIZE", 0), ("AS", memory)):
            with suppress(ValueError, OSError):
                resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))


def read_pdf(
    data: bytes, page: int, max_pixels: int, max_pages: int
) -> tuple[dict[str, object], bytes]:
    """Render a page of a PDF; raise `Refused` for one that is not whole, or too large."""
    import pypdfium2  # noqa: PLC0415 - takes a third of the time to start
    from pypdfium2 import raw  # noqa: PLC0415

    from service.page_reader.objects import Damaged  # noqa: PLC0415
    from service.page_reader.whole import check_page  # noqa: PLC0415

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        raise Refused(
            "UnreadableImage",
            "the PDF is encrypted; send it without a password"
            if error.err_code == raw.FPDF_ERR_PASSWORD
            else "the PDF is damaged or incomplete; send the whole file",
        ) from error
    has_end = b"%%EOF" in data[-_END_BYTES:]
    if not (has_end or raw.FPDF_DocumentHasValidCrossReferenceTable(document)):
        raise Refused("UnreadableImage", "the end of the PDF is missing; send the whole file")
    pages = len(document)
    _check_page(page, pages, max_pages)
    if not page:
        return {"pages": pages}, b""
    try:
        sheet = document[page - 1]
    except pypdfium2.PdfiumError as error:
        raise Refused("UnreadableImage", f"page {page} of the PDF is damaged") from error
    pictures = list(sheet.get_objects([raw.FPDF_PAGEOBJ_IMAGE], max_depth=_FORM_DEPTH))
    for picture in pictures:
        _check_size("a picture in the PDF", picture.get_px_size(), max_pixels)
    try:
        check_page(document, page)
        if not all(picture.get_metadata().bits_per_pixel for picture in pictures):
            raise Damaged("a picture cannot be decoded")
    except Damaged as error:
        reason = f"page {page} of the PDF is damaged: {error}; send the whole file"
        raise Refused("UnreadableImage", reason) from error
    width, height = sheet.get_size()
    scale = min(_RESOLUTION / _POINTS, (max_pixels / max(1.0, width * height)) ** 0.5)
    if scale < _LEAST_RESOLUTION / _POINTS:
        millimetres = " x ".join(f"{side / _POINTS * _MILLIMETRES:.0f}" for side in (width, height))
        raise Refused(
            "PictureTooLarge",
            f"the page of {millimetres} mm has more than {max_pixels} pixels at"
            f" {_LEAST_RESOLUTION} dpi; send a smaller page",
        )
    size = [max(1, int(side * scale)) for side in (width, height)]
    bitmap = pypdfium2.PdfBitmap.new_native(*size, raw.FPDFBitmap_Gray)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, *size)
    flags = raw.FPDF_ANNOT | raw.FPDF_GRAYSCALE
    raw.FPDF_RenderPageBitmap(bitmap, sheet, 0, 0, *size, 0, flags)
    lines = memoryview(bitmap.buffer).cast("B")
    rows = (lines[top : top + size[0]] for top in range(0, bitmap.stride * size[1], bitmap.stride))
    return {"mode": "L", "size": size}, b"".join(rows)


def _read_heif(
    data: bytes, page: int, max_pixels: int, max_pages: int
) -> tuple[dict[str, object], bytes]:
    import pillow_heif  # noqa: PLC0415
    from PIL import AvifImagePlugin, Image, ImageOps  # noqa: PLC0415

    _check_page(page, 1, max_pages)
    if not page:
        return {"pages": 1}, b""
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    pillow_heif.register_heif_opener(thumbnails=False, decode_threads=1)
    try:
        with Image.open(BytesIO(data), formats=("AVIF", "HEIF")) as opened:
            _check_size("the picture", opened.size, max_pixels)
            image: Image.Image = ImageOps.exif_transpose(opened)
    except (OSError, SyntaxError, ValueError, RuntimeError, EOFError) as error:
        if "Image size" in str(error):
            raise Refused(
                "PictureTooLarge",
                "the HEIC or AVIF data announces more pixels than can be decoded; send a smaller"
                " picture",
            ) from error
        raise Refused(
            "UnreadableImage", "the HEIC or AVIF data is damaged or incomplete; send the whole file"
        ) from error
    if not image.has_transparency_data:
        image = image.convert("L")
    return {"mode": image.mode, "size": image.size}, image.tobytes()


def _check_page(page: int, pages: int, max_pages: int) -> None:
    if not 0 < pages <= max_pages:
        raise Refused(
            "UnreadableImage",
            f"the PDF has {pages} pages; from 1 to {max_pages} are read: send the page to read",
        )
    if page > pages:
        raise Refused("UnreadableImage", f"there is no page {page}; the file has {pages}")


def _check_size(what: str, size: tuple[int, int], max_pixels: int) -> None:
    width, height = size
    if width * height > max_pixels:
        raise Refused(
            "PictureTooLarge",
            f"{what} has {width} x {height} pixels; at most {max_pixels} pixels are read: send a"
            " smaller one",
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
