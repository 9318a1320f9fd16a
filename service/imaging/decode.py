"""Bytes of a picture file to a grey picture."""

import warnings
from io import BytesIO
from typing import NoReturn

# Pillow registers its MPO, TIFF and WebP readers only once they are imported; importing them here
# keeps its search through every other plugin out of the first request.
from PIL import (
    Image,
    MpoImagePlugin,  # noqa: F401
    TiffImagePlugin,  # noqa: F401
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

from service.errors import PictureTooLarge, UnreadableImage, UnsupportedFormat
from service.imaging import png, tiff
from service.imaging.greyscale import to_grey
from service.imaging.picture import Picture

# Pillow warns about metadata that it skips; the caller can do nothing about it. Set once: a filter
# for the time of a call would cost as much as a tenth of it, and threads share the filters.
warnings.filterwarnings("ignore", module=r"PIL\.")

# BigTIFF with the most significant byte first is missing: Pillow lists it but cannot read it.
_SIGNATURES = (
    (png.SIGNATURE, "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
)

# A photograph from a phone is a JPEG followed by others (a preview, a depth map): Pillow says MPO.
_JPEG_FORMATS = ("JPEG", "MPO")

# A JPEG photograph is decoded at 1/2, 1/4 or 1/8 as long as its longer side keeps this many
# pixels: a digit in a corner stays readable and 12 megapixels cost a fraction.
_REDUCED_LONGER_SIDE = 1000

# In a larger PNG file, unfolding the pixels takes all the time, and Pillow does it as fast.
_MOST_PLAIN_PIXELS = 1_000_000

# What turns a picture upright, by the orientation in its EXIF; 1 is upright.
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

# A camera writes at most 64 KB, what one segment of a JPEG holds; some tags take Pillow 36 times
# their size in memory, and seconds for 15 MB.
_MOST_EXIF_BYTES = 1 << 20

_DAMAGED = "the {} data is damaged or incomplete; send the whole file"


def decode(data: bytes, *, max_pixels: int, whole: bool = False) -> Picture:
    """Read a PNG, JPEG, BMP, GIF, WebP or TIFF file of any mode as a grey picture.

        picture = decode(path.read_bytes(), max_pixels=16_000_000)

    The first frame or page is read and turned upright as its EXIF says; a transparent canvas
    becomes paper on which its ink shows; 16-bit values are scaled to 8 bits. A large JPEG may come
    back at 1/2, 1/4 or 1/8 of its size.

    Args:
        data: the file's content.
        max_pixels: the most pixels (width x height) that the file's header may announce.
        whole: read a large JPEG at its own size, for what is to be found in it again.

    Returns:
        uint8 [height, width], luminance.

    Raises:
        UnsupportedFormat: the bytes are of another format, of none, or of a rare kind of TIFF.
        PictureTooLarge: the picture has more than `max_pixels`; nothing was decoded.
        UnreadableImage: the bytes are damaged or incomplete.
    """
    if data.startswith(png.SIGNATURE):
        picture = png.decode_plain(data, max_pixels=min(max_pixels, _MOST_PLAIN_PIXELS))
        if picture is not None:
            return picture
    file_format = _format_of(data)
    if file_format == "TIFF":
        tiff.check_directory(data, max_pixels)
    try:
        with Image.open(BytesIO(data), formats=(file_format,)) as image:
            _check_size(image, max_pixels)
            return _read(image, whole=whole)
    except UnreadableImage:
        raise
    except UnidentifiedImageError as error:
        if file_format == "TIFF":
            # Its directory is whole, so it is more likely rare than damaged.
            raise UnsupportedFormat(tiff.RARE_KIND) from error
        raise UnreadableImage(_DAMAGED.format(file_format)) from error
    except Image.DecompressionBombError as error:
        _refuse_size(f"more than Pillow's own limit ({error})", max_pixels)
    except Exception as error:
        # Damaged files make Pillow raise nearly anything: OSError, SyntaxError, struct.error,
        # OverflowError, ZeroDivisionError, MemoryError ...
        raise UnreadableImage(_DAMAGED.format(file_format)) from error


def _format_of(data: bytes) -> str:
    if not data:
        raise UnreadableImage("the file is empty; send the bytes of a picture")
    for signature, name in _SIGNATURES:
        if data.startswith(signature):
            return name
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "WEBP"
    raise UnsupportedFormat(
        "the bytes are not a picture of a known format; send PNG, JPEG, BMP, GIF, WebP or TIFF"
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
    # ImageOps.exif_transpose would write all of the EXIF anew.
    turn = _TURNS.get(image.getexif().get(_EXIF_ORIENTATION, 1))
    return to_grey(image if turn is None else image.transpose(turn))
