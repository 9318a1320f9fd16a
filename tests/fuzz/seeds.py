"""Valid request bodies for a fuzzer to damage."""

import base64
import json
from collections.abc import Iterator
from io import BytesIO

import numpy as np
from PIL import Image

BOUNDARY = "b"

_SIDE = 28
_PICTURE_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP")
_PICTURE_MODES = ("1", "L", "P", "RGB", "RGBA", "I;16")


def digit() -> np.ndarray:
    """Return a one, white on black, uint8 [28, 28]."""
    picture = np.zeros((_SIDE, _SIDE), np.uint8)
    picture[4:24, 13:15] = 255
    return picture


def picture(file_format: str = "PNG", mode: str = "L", **options: object) -> bytes:
    """Return the one as an image file."""
    grey = Image.fromarray(digit())
    image = Image.fromarray(digit().astype(np.uint16) * 257) if mode == "I;16" else grey
    file = BytesIO()
    (image if image.mode == mode else image.convert(mode)).save(file, file_format, **options)
    return file.getvalue()


def base64_picture() -> str:
    """Return the one as a PNG file in Base64."""
    return base64.b64encode(picture()).decode()


def pictures() -> Iterator[bytes]:
    """Yield files of every supported format and mode, some with EXIF or several frames."""
    for file_format in _PICTURE_FORMATS:
        for mode in _PICTURE_MODES:
            try:
                yield picture(file_format, mode)
            except (OSError, KeyError):
                continue  # not every format has every mode
    exif = Image.Exif()
    exif[0x0112] = 6
    yield picture("JPEG", exif=exif)
    yield picture("JPEG", "RGB", progressive=True)
    yield picture("TIFF", compression="tiff_lzw")
    yield picture("TIFF", "1", compression="group4")
    yield picture("TIFF", big_tiff=True)
    yield picture("WEBP", "RGBA", lossless=True)
    frames = [Image.fromarray(digit()), Image.fromarray(~digit())]
    yield picture("GIF", save_all=True, append_images=frames)
    yield picture("PNG", save_all=True, append_images=frames)


def form(field: str = "files", count: int = 2) -> bytes:
    """Return a `multipart/form-data` body with the picture in each of `count` fields."""
    disposition = f'Content-Disposition: form-data; name="{field}"; filename="1.png"\r\n'
    part = f"--{BOUNDARY}\r\n{disposition}Content-Type: image/png\r\n\r\n".encode()
    return (part + picture() + b"\r\n") * count + f"--{BOUNDARY}--\r\n".encode()


def batch() -> dict[str, object]:
    """Return a JSON batch."""
    return {"images": [base64_picture(), {"id": "a", "image": base64_picture()}]}


def lines() -> bytes:
    """Return the batch as NDJSON."""
    return b"".join(json.dumps(image).encode() + b"\n" for image in batch()["images"])


def array() -> bytes:
    """Return two pictures as `numpy.save` writes them."""
    file = BytesIO()
    np.save(file, np.stack([digit(), digit()]))
    return file.getvalue()


def tensor_in_json() -> dict[str, object]:
    """Return an inference request with its pixels in the JSON."""
    data = digit().ravel().tolist()
    shape = [1, _SIDE, _SIDE]
    return {
        "id": "a",
        "parameters": {"binary_data_output": False, "preprocess": "none", "max_error": 0.01},
        "inputs": [{"name": "image", "datatype": "UINT8", "shape": shape, "data": data}],
        "outputs": [{"name": "digit", "parameters": {"binary_data": False}}],
    }


def binary_tensor(name: str) -> tuple[dict[str, object], bytes]:
    """Return an inference request and its binary data: `image` pixels or `image_bytes` files."""
    if name == "image":
        kind, shape, data = "UINT8", [1, _SIDE, _SIDE], digit().tobytes()
    else:
        file = picture()
        kind, shape, data = "BYTES", [1], len(file).to_bytes(4, "little") + file
    tensor = {"name": name, "datatype": kind, "shape": shape}
    tensor["parameters"] = {"binary_data_size": len(data)}
    return {"inputs": [tensor], "outputs": [{"name": "digit"}]}, data
