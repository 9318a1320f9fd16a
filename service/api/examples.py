"""A request for each kind of body, for the document: a small seven that every model reads."""

import base64
import json
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

_URL = "http://127.0.0.1:8000"
_SEVEN = [(8, 7), (23, 7), (13, 26)]


def raw(path: str, media_type: str, image_type: str) -> dict[str, Any]:
    """A picture of `image_type` (such as `image/png`), sent to `path` as `media_type`."""
    command = f"curl -H 'Content-Type: {media_type}' --data-binary @digit {_URL}{path}"
    return _literal(command, media_type, _seven(image_type))


def form(path: str, field: str) -> dict[str, Any]:
    """A picture as the form field `field`."""
    part = f'Content-Disposition: form-data; name="{field}"; filename="7.png"\r\n\r\n'.encode()
    body = b"--example\r\n" + part + _seven("image/png") + b"\r\n--example--\r\n"
    command = f"curl -F {field}=@7.png {_URL}{path}"
    return _literal(command, "multipart/form-data;boundary=example", body)


def json_batch() -> dict[str, Any]:
    """Two pictures, the second with an id."""
    image = _base64(_seven("image/png"))
    return {"sevens": {"value": {"images": [image, {"id": "cheque-17", "image": image}]}}}


def ndjson() -> dict[str, Any]:
    """The same in lines."""
    lines = map(json.dumps, json_batch()["sevens"]["value"]["images"])
    return {"sevens": {"value": "".join(f"{line}\n" for line in lines)}}


def npy(path: str, media_type: str) -> dict[str, Any]:
    """An array with one picture."""
    with Image.open(BytesIO(_seven("image/png"))) as image:
        pictures = np.asarray(image.convert("L"))[None]
    file = BytesIO()
    np.save(file, pictures)
    command = f"curl -H 'Content-Type: {media_type}' --data-binary @7.npy {_URL}{path}"
    return _literal(command, media_type, file.getvalue())


def tensor() -> dict[str, Any]:
    """A picture as a tensor of the Open Inference Protocol."""
    image = _base64(_seven("image/png"))
    tensor = {"name": "image_bytes", "shape": [1], "datatype": "BYTES", "data": [image]}
    return {"seven": {"value": {"inputs": [tensor]}}}


def _literal(command: str, media_type: str, body: bytes) -> dict[str, Any]:
    # JSON cannot hold these bytes, so that the document gives them by a URL that holds them.
    url = f"data:{media_type};base64,{_base64(body)}"
    return {"seven": {"summary": command, "externalValue": url}}


def _seven(image_type: str) -> bytes:
    paper = Image.new("1", (32, 32), "white")
    ImageDraw.Draw(paper).line(_SEVEN, fill="black", width=3)
    file = BytesIO()
    paper.save(file, image_type.removeprefix("image/"))
    return file.getvalue()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
