"""Request bodies: the same digits in the form that each server takes."""

import base64
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from benchmarks.conditions import png
from models.mnist import Images

_BOUNDARY = "numeral-benchmark-boundary"
_TENSOR = "image"
_JSON = "application/json"

Headers = dict[str, str]
Encode = Callable[[list[bytes], Images], tuple[Headers, bytes]]


@dataclass(frozen=True)
class Bodies:
    """Bodies that are sent in turn, all under the same headers."""

    headers: Headers
    contents: tuple[bytes, ...]


def bodies(images: Images, per_request: int, encode: Encode, *, count: int) -> Bodies:
    """Encode `count` bodies of `per_request` images each, going round `images` [N, 28, 28]."""
    files = [png(image) for image in images]
    encoded = [
        encode([files[place] for place in places], images[places])
        for places in _windows(len(images), per_request, count)
    ]
    return Bodies(encoded[0][0], tuple(content for _, content in encoded))


def _windows(images: int, size: int, count: int) -> Iterator[list[int]]:
    for start in range(0, count * size, size):
        yield [place % images for place in range(start, start + size)]


def raw(files: list[bytes], _: Images) -> tuple[Headers, bytes]:
    """The bytes of one PNG."""
    return {"Content-Type": "image/png"}, files[0]


def multipart(field: str) -> Encode:
    """A form with a file for each image under one name."""

    def encode(files: list[bytes], _: Images) -> tuple[Headers, bytes]:
        parts = [
            f"--{_BOUNDARY}\r\n"
            f'Content-Disposition: form-data; name="{field}"; filename="{place}.png"\r\n'
            "Content-Type: image/png\r\n\r\n".encode()
            + file
            + b"\r\n"
            for place, file in enumerate(files)
        ]
        content = b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode()
        return {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}, content

    return encode


def base64_json(files: list[bytes], _: Images) -> tuple[Headers, bytes]:
    """`{"images": [Base64, ...]}`."""
    texts = [base64.b64encode(file).decode() for file in files]
    return {"Content-Type": _JSON}, json.dumps({"images": texts}).encode()


def ndjson(files: list[bytes], _: Images) -> tuple[Headers, bytes]:
    """A line `{"image": Base64}` for each."""
    lines = [json.dumps({"image": base64.b64encode(file).decode()}) for file in files]
    return {"Content-Type": "application/x-ndjson"}, ("\n".join(lines) + "\n").encode()


def npy(_: list[bytes], images: Images) -> tuple[Headers, bytes]:
    """NumPy's file format, uint8 [N, 28, 28]."""
    file = io.BytesIO()
    np.save(file, images)
    return {"Content-Type": "application/x-npy"}, file.getvalue()


def v2_json(_: list[bytes], images: Images) -> tuple[Headers, bytes]:
    """The Open Inference Protocol, the tensor as a JSON list."""
    tensor = _tensor(images) | {"data": images.ravel().tolist()}
    return {"Content-Type": _JSON}, json.dumps({"inputs": [tensor]}).encode()


def v2_binary(_: list[bytes], images: Images) -> tuple[Headers, bytes]:
    """The Open Inference Protocol, tensors as bytes both ways, as `tritonclient` does it."""
    tensor = _tensor(images) | {"parameters": {"binary_data_size": images.nbytes}}
    output = {"name": "probabilities", "parameters": {"binary_data": True}}
    document = json.dumps({"inputs": [tensor], "outputs": [output]}).encode()
    headers = {
        "Content-Type": "application/octet-stream",
        "Inference-Header-Content-Length": str(len(document)),
    }
    return headers, document + images.tobytes()


def _tensor(images: Images) -> dict[str, object]:
    return {"name": _TENSOR, "shape": list(images.shape), "datatype": "UINT8"}
