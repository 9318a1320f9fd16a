"""The data of an `image_bytes` tensor to the image files in it."""

from service.api.formats import decode_base64
from service.errors import InvalidItem

# Binary, an element follows its length: four bytes, the lowest first.
_LENGTH_BYTES = 4


def read(content: list[object] | memoryview, count: int) -> list[bytes]:
    """The files in `content`.

    Args:
        content: texts of Base64, as JSON holds no bytes; or each file after its length.
        count: how many files it must hold.

    Raises:
        ValueError: it holds more or fewer, or something else.
    """
    if isinstance(content, memoryview):
        return _split(content, count)
    if len(content) != count:
        raise ValueError(f"has {len(content)} elements, the shape says {count}")
    return [_decoded(element, index) for index, element in enumerate(content)]


def _split(binary: memoryview, count: int) -> list[bytes]:
    files: list[bytes] = []
    start = 0
    for index in range(count):
        begin = start + _LENGTH_BYTES
        stop = begin + int.from_bytes(binary[start:begin], "little")
        if max(begin, stop) > len(binary):
            raise ValueError(f"[{index}] of {count} elements ends past the binary data")
        files.append(bytes(binary[begin:stop]))
        start = stop
    if start < len(binary):
        raise ValueError(f"has {len(binary) - start} bytes after its {count} elements")
    return files


def _decoded(element: object, index: int) -> bytes:
    if not isinstance(element, str):
        raise ValueError(f"[{index}] must be a text: the image file in Base64")
    try:
        return decode_base64(element)
    except InvalidItem as error:
        raise ValueError(f"[{index}]: {error}") from error
