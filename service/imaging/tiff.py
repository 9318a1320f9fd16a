"""Checks of a TIFF's directory, before Pillow and libtiff each act on it in their own way."""

import struct
from collections.abc import Iterator
from typing import Literal, NamedTuple

from PIL import Image, TiffTags

from service.errors import PictureTooLarge, UnreadableImage, UnsupportedFormat
from service.imaging.documents import MOST_PAGES

RARE_KIND = (
    "this kind of TIFF (its bits per sample, colours, layout or compression) is not supported; "
    "send 8-bit grey or RGB, uncompressed or with LZW, or a PNG"
)

# Pillow lists it, but the libtiff in its wheels is built without it.
_MISSING_COMPRESSION = "webp"

_STRIP_OFFSETS, _COLOUR_MAP = 273, 320
_TILE_WIDTH, _TILE_LENGTH, _TILE_OFFSETS = 322, 323, 324

# Pillow multiplies or iterates over the values of these tags, whatever their type: a text of 15 MB
# would count as that many strips.
_NUMERIC = (_STRIP_OFFSETS, _COLOUR_MAP, _TILE_WIDTH, _TILE_LENGTH, _TILE_OFFSETS)

# The types of the specification, by their numbers.
_TEXTS_AND_BYTES = (1, 2, 7)
_SHORT, _LONG, _LONG8 = 3, 4, 16
_INTEGERS = (_SHORT, _LONG, _LONG8)
_VALUE_BYTES = {1: 1, 2: 1, _SHORT: 2, _LONG: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_VALUE_BYTES |= {13: 4, _LONG8: 8, 17: 8, 18: 8}

# A scan has some twenty entries; a picture of 16 megapixels in tiles of 16 x 16 has 62,500 of
# them, a transfer function of 16 bits 196,608 values. Pillow creates several Python objects for
# each value: 3.9 million strip offsets, which fit into a body of 16 MiB, took 1.1 GB.
_MOST_VALUES = 200_000

# libtiff's own limit.
_MOST_ENTRIES = 4096


def check_directory(data: bytes, max_pixels: int) -> None:
    """Reject a TIFF file whose first directory would cost far more than its picture.

    A tile may have at most `max_pixels`: tiles are decoded whole, however small the picture.

    Raises:
        PictureTooLarge: a tile has more than `max_pixels`.
        UnreadableImage: the directory is cut off, or contains what no scanner writes.
    """
    order: Literal["little", "big"] = "little" if data.startswith(b"II") else "big"
    value_bytes = 0
    sides = {_TILE_WIDTH: 0, _TILE_LENGTH: 0}
    for tag, value_type, count, value in _entries(data):
        value_bytes += count * _VALUE_BYTES.get(value_type, 0)
        if count > _MOST_VALUES and value_type not in _TEXTS_AND_BYTES:
            raise UnreadableImage(
                f"tag {tag} of the TIFF has {count} values; at most {_MOST_VALUES} are read: "
                "send the picture in larger strips or tiles"
            )
        if tag in _NUMERIC and value_type not in _INTEGERS:
            raise UnreadableImage(f"tag {tag} of the TIFF is not an integer; send a plain TIFF")
        if tag in sides:
            if count != 1:
                raise UnreadableImage(
                    f"tag {tag} of the TIFF is {count} numbers; send a plain TIFF"
                )
            side = int.from_bytes(value[: _VALUE_BYTES[value_type]], order)
            sides[tag] = max(sides[tag], side)
    # libtiff copies every value, those of unknown tags too: a thousand that point to the same
    # megabyte would become a gigabyte.
    if value_bytes > len(data):
        raise UnreadableImage("the TIFF's tags are longer than the file; send the whole file")
    if sides[_TILE_WIDTH] * sides[_TILE_LENGTH] > max_pixels:
        raise PictureTooLarge(
            f"the picture has tiles of {sides[_TILE_WIDTH]} x {sides[_TILE_LENGTH]} pixels; "
            f"at most {max_pixels} pixels are read: send smaller tiles"
        )


def prepare(image: Image.Image) -> None:
    """Reject an opened TIFF that libtiff cannot decode, and leave its metadata unread.

    Raises:
        UnsupportedFormat: libtiff lacks the compression.
    """
    if image.info["compression"] == _MISSING_COMPRESSION:
        raise UnsupportedFormat(RARE_KIND)
    # Loading would read every value of the EXIF and GPS directories: 15 MB took five seconds.
    # Pillow caches the EXIF that it returns here, and then finds no such directories.
    exif = image.getexif()
    for tag in TiffTags.TAGS_V2_GROUPS:
        if tag in exif:
            del exif[tag]


def page_offsets(data: bytes) -> list[int]:
    """Return where the directory of each page starts.

    Raises:
        UnreadableImage: there is none, or there are more than `MOST_PAGES`.
    """
    layout = _layout(data)
    offsets: list[int] = []
    following = layout.first
    try:
        # A directory ends with the offset of the next page's, the last one with 0. An offset beyond
        # the file ends the search.
        while start := struct.unpack_from(layout.offset, data, following)[0]:
            (count,) = struct.unpack_from(layout.number, data, start)
            if start in offsets:
                raise UnreadableImage(
                    "the TIFF is damaged: after its last page comes an earlier one; send the page"
                    " to read"
                )
            if len(offsets) == MOST_PAGES:
                raise UnreadableImage(
                    f"the TIFF has more than {MOST_PAGES} pages; send the page to read"
                )
            offsets.append(start)
            following = start + struct.calcsize(layout.number)
            following += count * struct.calcsize(layout.entry)
    except (struct.error, OverflowError):
        pass
    if not offsets:
        raise UnreadableImage("the TIFF has no directory; send the whole file")
    return offsets


def starting_at(data: bytes, offset: int) -> bytes:
    """Return a file whose first page is the one with its directory at `offset`."""
    layout = _layout(data)
    end = layout.first + struct.calcsize(layout.offset)
    return data[: layout.first] + struct.pack(layout.offset, offset) + data[end:]


class _Layout(NamedTuple):
    """Where the offset of the first page is; formats of offsets, counts and entries."""

    first: int
    offset: str
    number: str
    entry: str


def _layout(data: bytes) -> _Layout:
    order = "<" if data.startswith(b"II") else ">"
    is_big = data[2] == 43
    first, *formats = (8, "Q", "Q", "HHQ8s") if is_big else (4, "L", "H", "HHL4s")
    return _Layout(first, *(order + each for each in formats))


def _entries(data: bytes) -> Iterator[tuple[int, int, int, bytes]]:
    layout = _layout(data)
    start = page_offsets(data)[0]
    (count,) = struct.unpack_from(layout.number, data, start)
    first = start + struct.calcsize(layout.number)
    end = first + count * struct.calcsize(layout.entry)
    if count > _MOST_ENTRIES:
        raise UnreadableImage(
            f"the TIFF has {count} tags; at most {_MOST_ENTRIES} are read: send a plain TIFF"
        )
    if end > len(data):
        raise UnreadableImage("the TIFF's directory is cut off; send the whole file")
    return struct.iter_unpack(layout.entry, data[first:end])
