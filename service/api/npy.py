"""A batch as a .npy file to its pictures: nothing is unpickled or allocated on its word."""

import math
from io import BytesIO

import numpy as np
from numpy.lib import format as npy

from service.api.errors import BatchTooLarge, InvalidRequest, MalformedBody
from service.api.item import Item
from service.imaging import PictureTooLarge

_WANTED = "send uint8 [N, height, width], a grey picture each, as numpy.save writes it"

# numpy.save writes 128 bytes for such an array.
_LONGEST_HEADER = 1024

_READERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}


def parse_npy(body: bytes, *, max_batch: int, max_pixels: int) -> list[Item]:
    """The pictures of `body`, a .npy file with uint8 [N, height, width], N from 1 to `max_batch`.

    Raises:
        MalformedBody: the body is no .npy file, or has more or less data than its header says.
        InvalidRequest: the array has another type or shape.
        BatchTooLarge: there are more than `max_batch`.
        PictureTooLarge: each has more than `max_pixels`.
    """
    file = BytesIO(body)
    shape, fortran_order, dtype = _header(file)
    _check_type(dtype)
    _check_shape(shape, max_batch, max_pixels)
    start, announced = file.tell(), math.prod(shape)
    if len(body) - start != announced:
        raise MalformedBody(
            f"the .npy header announces {announced} bytes of pixels, {len(body) - start} follow it"
        )
    pixels = np.frombuffer(body, np.uint8, offset=start)
    pictures = np.ascontiguousarray(pixels.reshape(shape, order="F" if fortran_order else "C"))
    return [Item(None, picture) for picture in pictures]


def _header(file: BytesIO) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    try:
        version = npy.read_magic(file)
        return _READERS[version](file, max_header_size=_LONGEST_HEADER)
    except Exception as error:
        # The header is a Python literal: a damaged one makes its parser raise nearly anything.
        raise MalformedBody(f"the body has no .npy header that can be read; {_WANTED}") from error


def _check_type(dtype: np.dtype[np.generic]) -> None:
    if dtype == np.uint8:
        return
    hint = {
        "b": "; (255 * array).astype('uint8') makes it so",
        "f": "; where it runs from 0 to 1, (255 * array).round().astype('uint8') makes it so",
    }.get(dtype.kind, "")
    raise InvalidRequest.of("body", f"the array is of type {str(dtype)[:50]}: {_WANTED}{hint}")


def _check_shape(shape: tuple[int, ...], max_batch: int, max_pixels: int) -> None:
    if len(shape) != 3 or min(shape) <= 0:
        one = "; a single picture has N = 1" if len(shape) == 2 else ""
        raise InvalidRequest.of(
            "body", f"the array has the shape {list(shape)!s:.100}: {_WANTED}{one}"
        )
    images, height, width = shape
    if images > max_batch:
        raise BatchTooLarge(
            f"the array holds {images} images, the limit is {max_batch}; send it in parts"
        )
    if height * width > max_pixels:
        raise PictureTooLarge(
            f"each picture has {width} x {height} pixels; at most {max_pixels} are read: send"
            " smaller ones"
        )
