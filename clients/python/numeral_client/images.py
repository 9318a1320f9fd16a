"""What counts as an image, and how images are encoded."""

import base64
import json
import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import BinaryIO, Protocol, TypeGuard

from numeral_client.errors import UnusableImage


class Pixels(Protocol):
    """An array of NumPy: uint8, [height, width] in grey or [height, width, 3] in RGB."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Size of each axis."""

    @property
    def dtype(self) -> object:
        """Type of the values."""

    def tobytes(self) -> bytes:
        """The values, row by row."""


# The bytes of an image file, its path, an open file, or pixels.
Image = bytes | bytearray | memoryview | str | PathLike[str] | BinaryIO | Pixels


@dataclass(frozen=True, slots=True)
class Item:
    """An image of a batch with an id, which its answer repeats."""

    image: Image
    id: str | int | None = None


Several = Iterable[Image | Item]
# Or one array of grey pictures: uint8 [N, height, width].
Images = Several | Pixels

# PNG colour type by number of channels.
_COLOUR_TYPES = {1: 0, 3: 2}


def encode_file(image: Image) -> bytes:
    """Return `image` as the bytes of an image file; pixels become a PNG.

    Raises:
        UnusableImage: it is no image, or an array of another type or shape.
        OSError: its file cannot be read.
    """
    if isinstance(image, bytes | bytearray | memoryview):
        return bytes(image)
    if isinstance(image, str | PathLike):
        return Path(image).read_bytes()
    if is_pixels(image):
        return _encode_png(image)
    if hasattr(image, "read"):
        return image.read()
    raise UnusableImage(
        f"{type(image).__name__} is no image: send the bytes of an image file, its path, an open"
        " file, or a uint8 array"
    )


def encode_line(item: Image | Item) -> bytes:
    """Return `item` as a line of JSON; the id of a path without one is its file name."""
    image, item_id = (item.image, item.id) if isinstance(item, Item) else (item, None)
    if item_id is None and isinstance(image, str | PathLike):
        item_id = Path(image).name
    line: dict[str, str | int] = {"image": base64.b64encode(encode_file(image)).decode()}
    if item_id is not None:
        line["id"] = item_id
    return json.dumps(line).encode() + b"\n"


def encode_batch(images: Several) -> bytes:
    """Return the JSON body of a batch.

    Raises:
        UnusableImage: `images` is a single image, or an item is no image.
        OSError: a file cannot be read.
    """
    if isinstance(images, bytes | bytearray | memoryview | str | PathLike):
        raise UnusableImage("a batch is several images: send a list of them")
    return b'{"images":[' + b",".join(map(encode_line, images)) + b"]}"


def encode_npy(pictures: Pixels) -> bytes:
    """Return `pictures`, uint8 [N, height, width], in NumPy's npy format.

    Raises:
        UnusableImage: the array has another type or shape.
    """
    _require(len(pictures.shape) == 3, pictures, "[N, height, width]")
    shape = tuple(map(int, pictures.shape))
    header = f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}"
    # The format pads the header to a multiple of 64 bytes, with a line break at its end.
    header = header.ljust(-(-(len(header) + 11) // 64) * 64 - 11) + "\n"
    prefix = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header))
    return prefix + header.encode() + pictures.tobytes()


def is_pixels(value: object) -> TypeGuard[Pixels]:
    """Return whether `value` is an array."""
    return hasattr(value, "dtype") and hasattr(value, "tobytes")


def _encode_png(pixels: Pixels) -> bytes:
    shape = pixels.shape
    fits = len(shape) == 2 or (len(shape) == 3 and shape[2] in _COLOUR_TYPES)
    _require(fits, pixels, "[height, width] or [height, width, 3]")
    height, width, channels = shape if len(shape) == 3 else (*shape, 1)
    values, row = pixels.tobytes(), width * channels
    rows = b"".join(b"\0" + values[start : start + row] for start in range(0, len(values), row))
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _require(fits: bool, pixels: Pixels, shape: str) -> None:
    if not fits or str(pixels.dtype) != "uint8" or 0 in pixels.shape:
        raise UnusableImage(
            f"an array of {pixels.dtype} {list(pixels.shape)} is no image: send uint8 {shape}"
        )
