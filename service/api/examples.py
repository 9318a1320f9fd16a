"""A request for each kind of body, for the document: of a small seven, or of a field of digits."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Example:
    """A picture that every model reads, drawn in lines.

    Attributes:
        name: what it is called in the document, and `several` of them.
        file: what its file is called.
        size: width and height.
        lines: the points of each.
    """

    name: str
    several: str
    file: str
    size: tuple[int, int]
    lines: Sequence[Sequence[tuple[int, int]]]

    def raw(self, path: str, media_type: str, image_type: str) -> dict[str, Any]:
        """A picture of `image_type` (such as `image/png`), sent to `path` as `media_type`."""
        command = f"curl -H 'Content-Type: {media_type}' --data-binary @{self.file} {_URL}{path}"
        return self._literal(command, media_type, self._file(image_type))

    def form(self, path: str, field: str) -> dict[str, Any]:
        """A picture as the form field `field`."""
        part = f'Content-Disposition: form-data; name="{field}"; filename="{self.file}.png"'
        head = f"--example\r\n{part}\r\n\r\n".encode()
        body = head + self._file("image/png") + b"\r\n--example--\r\n"
        command = f"curl -F {field}=@{self.file}.png {_URL}{path}"
        return self._literal(command, "multipart/form-data;boundary=example", body)

    def json_batch(self) -> dict[str, Any]:
        """Two pictures, the second with an id."""
        image = _base64(self._file("image/png"))
        return {self.several: {"value": {"images": [image, {"id": "cheque-17", "image": image}]}}}

    def ndjson(self) -> dict[str, Any]:
        """The same in lines."""
        lines = map(json.dumps, self.json_batch()[self.several]["value"]["images"])
        return {self.several: {"value": "".join(f"{line}\n" for line in lines)}}

    def npy(self, path: str, media_type: str) -> dict[str, Any]:
        """An array with one picture."""
        with Image.open(BytesIO(self._file("image/png"))) as image:
            pictures = np.asarray(image.convert("L"))[None]
        file = BytesIO()
        np.save(file, pictures)
        command = (
            f"curl -H 'Content-Type: {media_type}' --data-binary @{self.file}.npy {_URL}{path}"
        )
        return self._literal(command, media_type, file.getvalue())

    def tensor(self) -> dict[str, Any]:
        """A picture as a tensor of the Open Inference Protocol."""
        image = _base64(self._file("image/png"))
        tensor = {"name": "image_bytes", "shape": [1], "datatype": "BYTES", "data": [image]}
        return {self.name: {"value": {"inputs": [tensor]}}}

    def _literal(self, command: str, media_type: str, body: bytes) -> dict[str, Any]:
        # JSON cannot hold these bytes, so that the document gives them by a URL that holds them. As
        # an `externalValue` it would stop generators of clients, which take it for a file's name.
        url = f"data:{media_type};base64,{_base64(body)}"
        return {self.name: {"summary": command, "x-body": url}}

    def _file(self, image_type: str) -> bytes:
        paper = Image.new("1", self.size, "white")
        for line in self.lines:
            ImageDraw.Draw(paper).line(line, fill="black", width=3)
        file = BytesIO()
        paper.save(file, image_type.removeprefix("image/"))
        return file.getvalue()


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


SEVEN = Example("seven", "sevens", "digit", (32, 32), [[(8, 7), (23, 7), (13, 26)]])
FIELD = Example(
    "field",
    "fields",
    "field",
    (112, 40),
    [
        [(10, 8), (25, 8), (15, 32)],
        [(40, 8), (40, 32)],
        [(52, 8), (67, 8), (57, 32)],
        [(82, 8), (97, 8), (87, 32)],
    ],
)
