"""Bytes of a picture file to a grey picture."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import NoReturn

# Pillow registers its TIFF and WebP readers only once they are imported; importing them here
# keeps its search through every other plugin out of the first request.
from PIL import Image, ImageOps, TiffImagePlugin, WebPImagePlugin  # noqa: F401

from service.imaging.greyscale import to_grey
from service.imaging.picture import Picture, PictureTooLarge, UnreadableImage, UnsupportedFormat

_SIGNATURES = (
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
)

# A JPEG photograph is decoded at 1/2, 1/4 or 1/8 as long as its longer side keeps this many
# pixels: a digit in a corner stays readable and 12 megapixels cost a fraction.
_REDUCED_LONGER_SIDE = 1000

_TIFF_TILE_WIDTH, _TIFF_TILE_LENGTH = 322, 323
_EXIF_ORIENTATION = 0x0112
_UPRIGHT = 1


def decode(data: bytes, *, max_pixels: int) -> Picture:
    """Read a PNG, JPEG, BMP, GIF, WebP or TIFF file of any mode as a grey picture.

        picture = decode(path.read_bytes(), max_pixels=16_000_000)

    The first frame or page is read and turned upright as its EXIF says; a transparent canvas
    becomes paper on which its ink shows; 16-bit values are scaled to 8 bits. A large JPEG may come
    back at 1/2, 1/4 or 1/8 of its size.

    Args:
        data: the file's content.
        max_pixels: the most pixels (width x height) that the file's header may announce.

    Returns:
        uint8 [height, width], luminance.

    Raises:
        UnsupportedFormat: the bytes are of another format, or of none.
        PictureTooLarge: the picture has more than `max_pixels`; nothing was decoded.
        UnreadableImage: the bytes are damaged or incomplete.
    """
    file_format = _format_of(data)
    try:
        with _quiet_pillow(), Image.open(BytesIO(data), formats=(file_format,)) as image:
            _check_size(image, max_pixels)
            return _read(image)
    except UnreadableImage:
        raise
    except Image.DecompressionBombError as error:
        _refuse_size(f"more than Pillow's own limit ({error})", max_pixels)
    except Exception as error:
        # Damaged files make Pillow raise nearly anything: OSError, SyntaxError, struct.error,
        # OverflowError, ZeroDivisionError, MemoryError ...
        raise UnreadableImage(
            f"the {file_format} data is damaged or incomplete; send the whole file"
        ) from error


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


@contextmanager
def _quiet_pillow() -> Iterator[None]:
    # Pillow warns about metadata that it skips; the caller can do nothing about it. Threads share
    # the list of filters: at worst this one, which concerns Pillow alone, outlives its block.
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\.")
        yield


def _check_size(image: Image.Image, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        _refuse_size(f"{width} x {height} pixels", max_pixels)
    if width * height == 0:
        raise UnreadableImage(f"the picture is empty: {width} x {height} pixels")
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        # A tile may be far larger than the picture, and whole tiles are decoded.
        tile_width, tile_length = (
            image.tag_v2.get(tag, 0) for tag in (_TIFF_TILE_WIDTH, _TIFF_TILE_LENGTH)
        )
        if tile_width * tile_length > max_pixels:
            _refuse_size(f"tiles of {tile_width} x {tile_length} pixels", max_pixels)


def _refuse_size(size: str, max_pixels: int) -> NoReturn:
    raise PictureTooLarge(
        f"the picture has {size}; at most {max_pixels} pixels are read: send a smaller one"
    )


def _read(image: Image.Image) -> Picture:
    if image.format == "JPEG":
        width, height = image.size
        reduction = max(width, height) / _REDUCED_LONGER_SIDE
        image.draft("L", (max(1, int(width / reduction)), max(1, int(height / reduction))))
    image.load()
    if image.getexif().get(_EXIF_ORIENTATION, _UPRIGHT) != _UPRIGHT:
        image = ImageOps.exif_transpose(image)
    return to_grey(image)
