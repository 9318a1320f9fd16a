"""Bytes of a picture file to a grey picture."""

import re
import warnings
from io import BytesIO
from typing import NoReturn

import cv2
import numpy as np

# Pillow registers these readers when they are imported; otherwise the first request would wait for
# its search through all plugins.
from PIL import (
    Image,
    MpoImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

from service.errors import PictureTooLarge, UnreadableImage, UnsupportedFormat
from service.imaging import tiff
from service.imaging.documents import count_document_pages, decode_document, is_document
from service.imaging.greyscale import Picture, as_picture, to_grey

# Pillow warns about metadata that it skips. Set once: a filter for the duration of a call would
# cost a tenth of it, and threads share the filters.
warnings.filterwarnings("ignore", module=r"PIL\.")

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG = b"\xff\xd8\xff"

# Pillow lists BigTIFF with the most significant byte first but cannot read it.
_SIGNATURES = (
    (_PNG, "PNG"),
    (_JPEG, "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
)

# A phone's photograph is a JPEG followed by others (a preview, a depth map); Pillow calls it MPO.
_JPEG_FORMATS = ("JPEG", "MPO")

# A large JPEG is decoded at 1/2, 1/4 or 1/8 as long as its longer side keeps this many pixels: a
# digit in a corner stays readable, and 12 megapixels cost a fraction.
_REDUCED_LONGER_SIDE = 1000

# What turns a picture upright, by its EXIF orientation; 1 is upright.
_EXIF_ORIENTATION = 0x0112
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

# A camera writes at most 64 KB, the size of a JPEG segment; some tags take Pillow 36 times their
# size in memory, and seconds for 15 MB.
_MOST_EXIF_BYTES = 1 << 20

# Every scan of a progressive JPEG visits every pixel: 31 bytes took 10 ms, and a body of 16 MiB has
# room for 90 minutes of them. Encoders write about ten.
_MOST_SCANS = 100

# Pillow reads the segments of a JPEG, and the bytes between them, one by one in Python. An ICC
# profile has up to 255 segments.
_MOST_SEGMENTS = 1000
_MOST_FILL_BYTES = 1 << 16

# Neither a stuffed byte nor a restart marker, which belong to the pixels.
_JPEG_MARKER = re.compile(rb"\xff([^\x00\xd0-\xd7\xff])")
_JPEG_SCAN, _JPEG_END = b"\xda", b"\xd9"
_JPEG_WITHOUT_LENGTH = (b"\x01", b"\xd8", _JPEG_END)

# The header of a PNG file of 8-bit grey, not interlaced, with the width and height left out.
_PNG_START = _PNG + b"\x00\x00\x00\x0dIHDR"
_PNG_GREY = b"\x08\x00\x00\x00\x00"
_PNG_SECOND_CHUNK = 33

# Length, name and checksum of a chunk.
_PNG_AROUND_CHUNK = 12

# Chunks that do not change how the pixels look.
_PNG_PLAIN_CHUNKS = frozenset(b"IDAT IEND pHYs tEXt tIME".split())

# Decompression takes all the time in a larger PNG file, and Pillow is as fast.
_MOST_PLAIN_PIXELS = 1_000_000
_MOST_PLAIN_BYTES = 128 * 1024
_PNG_SPARE_BYTES = 1024

# The segments of an ordinary JPEG file; it has all of the first four, in any order. Others, such as
# EXIF, may turn or colour the picture.
_JFIF, _FRAME, _TABLES = b"\xff\xe0", b"\xff\xc0", (b"\xff\xdb", b"\xff\xc4")
_JPEG_NEEDED = frozenset((_JFIF, _FRAME, *_TABLES))
_JPEG_PLAIN = _JPEG_NEEDED | {b"\xff\xdd", b"\xff\xfe"}
_MOST_PLAIN_SEGMENTS = 16
_JPEG_BITS = b"\x08"
_JPEG_CHANNELS = (b"\x01", b"\x03")

_DAMAGED = "the {} data is damaged or incomplete; send the whole file"


def decode(data: bytes, *, max_pixels: int, whole: bool = False, page: int = 1) -> Picture:
    """Decode a PNG, JPEG, BMP, GIF, WebP, TIFF, HEIC, AVIF or PDF file to a grey picture.

        picture = decode(path.read_bytes(), max_pixels=16_000_000)

    Reads the first frame, or a page, and turns it upright by its EXIF orientation. Transparency
    becomes paper on which the ink is visible; 16-bit values are scaled to 8 bits. A large JPEG may
    be reduced to 1/2, 1/4 or 1/8 of its size. A page of a PDF is rendered at up to 200 dpi.

    The file's header may announce at most `max_pixels` (width x height). With `whole`, a large JPEG
    is decoded at its full size, to locate things in it. `page`, from 1, is of a PDF or TIFF; other
    files have one page.

    Returns:
        uint8 [height, width], luminance.

    Raises:
        UnsupportedFormat: the format is unknown, or a rare kind of TIFF.
        PictureTooLarge: the picture has more than `max_pixels`; nothing was decoded.
        UnreadableImage: the data is damaged, incomplete or encrypted, or has no such page.
    """
    if is_document(data):
        return decode_document(data, page=page, max_pixels=max_pixels)
    if page > 1:
        data = _from_page(data, page)
    picture = _plain(data, max_pixels)
    if picture is not None:
        return picture
    file_format = _format_of(data)
    if file_format == "TIFF":
        tiff.check_directory(data, max_pixels)
    elif file_format == "JPEG":
        _check_segments(data)
    try:
        with Image.open(BytesIO(data), formats=(file_format,)) as image:
            _check_size(image, max_pixels)
            return _read(image, whole=whole)
    except UnreadableImage:
        raise
    except UnidentifiedImageError as error:
        if file_format == "TIFF":
            # Its directory is intact, so it is more likely rare than damaged.
            raise UnsupportedFormat(tiff.RARE_KIND) from error
        raise UnreadableImage(_DAMAGED.format(file_format)) from error
    except Image.DecompressionBombError as error:
        _refuse_size(f"more than Pillow's own limit ({error})", max_pixels)
    except Exception as error:
        # On damaged files Pillow raises nearly anything: OSError, SyntaxError, struct.error,
        # OverflowError, ZeroDivisionError, MemoryError ...
        raise UnreadableImage(_DAMAGED.format(file_format)) from error


def count_pages(data: bytes) -> int:
    """Return how many pages a file has; 1 for any but PDF and TIFF.

    Raises:
        UnsupportedFormat: the format is unknown.
        UnreadableImage: there is no page, or there are more than 200.
    """
    if is_document(data):
        return count_document_pages(data)
    return len(tiff.page_offsets(data)) if _format_of(data) == "TIFF" else 1


def is_picture(head: bytes) -> bool:
    """Tell whether the first 12 bytes or more of a file are those of a format that is read."""
    try:
        return is_document(head) or bool(_format_of(head))
    except UnreadableImage:
        return False


def _from_page(data: bytes, page: int) -> bytes:
    if (name := _format_of(data)) != "TIFF":
        raise UnreadableImage(f"there is no page {page}; of a {name}, only page 1 is read")
    offsets = tiff.page_offsets(data)
    if page > len(offsets):
        raise UnreadableImage(f"there is no page {page}; the file has {len(offsets)}")
    return tiff.starting_at(data, offsets[page - 1])


def _format_of(data: bytes) -> str:
    if not data:
        raise UnreadableImage("the file is empty; send the bytes of a picture")
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    raise UnsupportedFormat(
        "the bytes are not a picture of a known format; send PNG, JPEG, BMP, GIF, WebP, TIFF, HEIC,"
        " AVIF or PDF"
    )


def _check_segments(data: bytes) -> None:
    """Reject a JPEG file that takes far longer to read than its pixels."""
    position = scans = fill = 0
    for _ in range(_MOST_SEGMENTS):
        marker = _JPEG_MARKER.search(data, position)
        if marker is None or (scans and marker[1] == _JPEG_END):
            return
        if not scans:
            fill += marker.start() - position
        scans += marker[1] == _JPEG_SCAN
        if scans > _MOST_SCANS or fill > _MOST_FILL_BYTES:
            break
        position = marker.end()
        if marker[1] not in _JPEG_WITHOUT_LENGTH:
            position += max(2, int.from_bytes(data[position : position + 2]))
    raise UnreadableImage(
        f"the JPEG has more than {_MOST_SCANS} scans, {_MOST_SEGMENTS} segments or"
        f" {_MOST_FILL_BYTES} bytes between them; save it as a plain JPEG"
    )


def _check_size(image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        _refuse_size(f"{width} x {height} pixels", max_pixels)
    if width * height == 0:
        raise UnreadableImage(f"the picture is empty: {width} x {height} pixels")


def _refuse_size(size: str, max_pixels: int) -> NoReturn:
    raise PictureTooLarge(
        f"the picture has {size}; at most {max_pixels} pixels are read: send a smaller one"
    )


def _read(image: Image.Image, *, whole: bool) -> Picture:
    if image.format in _JPEG_FORMATS:
        width, height = image.size
        reduction = 1.0 if whole else max(width, height) / _REDUCED_LONGER_SIDE
        image.draft("L", (max(1, int(width / reduction)), max(1, int(height / reduction))))
    if image.format == "TIFF":
        tiff.prepare(image)
    image.load()
    if len(image.info.get("exif", b"")) > _MOST_EXIF_BYTES:
        raise UnreadableImage(f"the EXIF is longer than {_MOST_EXIF_BYTES} bytes; send less of it")
    # ImageOps.exif_transpose would rewrite all of the EXIF.
    turn = _TURNS.get(image.getexif().get(_EXIF_ORIENTATION, 1))
    return to_grey(image if turn is None else image.transpose(turn))


def _plain(data: bytes, max_pixels: int) -> Picture | None:
    if data.startswith(_PNG):
        return _plain_png(data, min(max_pixels, _MOST_PLAIN_PIXELS))
    return _plain_jpeg(data, max_pixels) if data.startswith(_JPEG) else None


def _plain_png(data: bytes, max_pixels: int) -> Picture | None:
    """Decode a small PNG file of 8-bit grey with OpenCV, in half of Pillow's time.

    OpenCV returns the same pixels as Pillow or none (tried on 30,000 damaged files). None leaves
    the file, and the error, to Pillow.
    """
    if not data.startswith(_PNG_START) or data[24:29] != _PNG_GREY:
        return None
    announced = int.from_bytes(data[16:20]) * int.from_bytes(data[20:24])
    if not 0 < announced <= max_pixels:
        return None
    # OpenCV decompresses what follows the last pixel too, a gigabyte of zeros for each megabyte.
    if len(data) > min(announced + _PNG_SPARE_BYTES, _MOST_PLAIN_BYTES):
        return None
    # OpenCV allocates all that a chunk announces, up to 4 GB.
    start = _PNG_SECOND_CHUNK
    while start < len(data):
        if data[start + 4 : start + 8] not in _PNG_PLAIN_CHUNKS:
            return None
        start += _PNG_AROUND_CHUNK + int.from_bytes(data[start : start + 4])
    if start != len(data):
        return None
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    return None if pixels is None else as_picture(pixels)


def _plain_jpeg(data: bytes, max_pixels: int) -> Picture | None:
    """Decode an ordinary JPEG file with OpenCV, in a third of Pillow's time (20 us for 100 x 100).

    Both use libjpeg-turbo and return the same pixels. None leaves the file, and the error, to
    Pillow; above all one without its end, as OpenCV fills in what is missing.
    """
    found, size, at = set(), (0, 0), 2
    for _ in range(_MOST_PLAIN_SEGMENTS):
        marker, end = data[at : at + 2], at + 2 + int.from_bytes(data[at + 2 : at + 4])
        if marker not in _JPEG_PLAIN:
            break
        found.add(marker)
        if marker == _FRAME:
            if data[at + 4 : at + 5] != _JPEG_BITS or data[at + 9 : at + 10] not in _JPEG_CHANNELS:
                return None
            size = int.from_bytes(data[at + 5 : at + 7]), int.from_bytes(data[at + 7 : at + 9])
        at = end
    if marker != b"\xff" + _JPEG_SCAN or not found >= _JPEG_NEEDED:
        return None
    if max(size) > _REDUCED_LONGER_SIDE or not 0 < size[0] * size[1] <= max_pixels:
        return None
    last = _JPEG_MARKER.search(data, end)
    if last is None or last[1] != _JPEG_END or last.end() != len(data):
        return None
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_GRAYSCALE)
    return None if pixels is None else as_picture(pixels)
