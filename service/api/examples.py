"""OpenAPI of the bodies that hold images: a schema and a working example for each media type.

FastAPI cannot declare a choice between raw bytes, a form, JSON and other media types.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from pydantic import BaseModel

from service.api.bodies import FORM, IMAGE_TYPES, OCTET_STREAM
from service.api.formats import BatchRequest, EncodedImage
from service.api.negotiation import JSON, NDJSON, NPY
from service.api.schemas import BatchEnd, BatchForm, PictureForm

Json = dict[str, Any]

BINARY: Json = {"type": "string", "format": "binary"}
_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Example:
    """A picture that every model reads, drawn in lines.

    Attributes:
        name: what it shows, and `several` of them.
        file: name of its file, without a suffix.
        size: width and height.
        lines: the points of each line.
    """

    name: str
    several: str
    file: str
    size: tuple[int, int]
    lines: Sequence[Sequence[tuple[int, int]]]

    def raw(self, path: str, media_type: str, image_type: str) -> Json:
        """A picture of `image_type` (such as `image/png`), sent to `path` as `media_type`."""
        command = f"curl -H 'Content-Type: {media_type}' --data-binary @{self.file} {_URL}{path}"
        return self._literal(command, media_type, self._file(image_type))

    def form(self, path: str, field: str) -> Json:
        """A picture as the form field `field`."""
        part = f'Content-Disposition: form-data; name="{field}"; filename="{self.file}.png"'
        head = f"--example\r\n{part}\r\n\r\n".encode()
        body = head + self._file("image/png") + b"\r\n--example--\r\n"
        command = f"curl -F {field}=@{self.file}.png {_URL}{path}"
        return self._literal(command, f"{FORM};boundary=example", body)

    def json_batch(self) -> Json:
        """Two pictures, the second with an id."""
        image = _base64(self._file("image/png"))
        return {self.several: {"value": {"images": [image, {"id": "cheque-17", "image": image}]}}}

    def ndjson(self) -> Json:
        """The same pictures as lines."""
        lines = map(json.dumps, self.json_batch()[self.several]["value"]["images"])
        return {self.several: {"value": "".join(f"{line}\n" for line in lines)}}

    def npy(self, path: str) -> Json:
        """An array with one picture."""
        with Image.open(BytesIO(self._file("image/png"))) as image:
            pictures = np.asarray(image.convert("L"))[None]
        file = BytesIO()
        np.save(file, pictures)
        command = f"curl -H 'Content-Type: {NPY}' --data-binary @{self.file}.npy {_URL}{path}"
        return self._literal(command, NPY, file.getvalue())

    def tensor(self) -> Json:
        """A picture as a tensor of the Open Inference Protocol."""
        image = _base64(self._file("image/png"))
        tensor = {"name": "image_bytes", "shape": [1], "datatype": "BYTES", "data": [image]}
        return {self.name: {"value": {"inputs": [tensor]}}}

    def _literal(self, command: str, media_type: str, body: bytes) -> Json:
        # JSON cannot hold these bytes, so the document has a URL that does. Generators of clients
        # fail on an `externalValue`, which they take for a file's name.
        url = f"data:{media_type};base64,{_base64(body)}"
        return {self.name: {"summary": command, "x-body": url}}

    def _file(self, image_type: str) -> bytes:
        paper = Image.new("1", self.size, "white")
        for line in self.lines:
            ImageDraw.Draw(paper).line(line, fill="black", width=3)
        file = BytesIO()
        paper.save(file, image_type.removeprefix("image/"))
        return file.getvalue()


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


def single_body(path: str, example: Example) -> Json:
    """Describe the body of a POST to `path` with one picture."""
    return _request_body(
        {
            **{kind: _media(BINARY, example.raw(path, kind, kind)) for kind in IMAGE_TYPES},
            OCTET_STREAM: _media(BINARY, example.raw(path, OCTET_STREAM, "image/png")),
            FORM: _media(_reference(PictureForm), example.form(path, "file")),
        }
    )


def batch_body(path: str, example: Example, *, arrays: bool) -> Json:
    """Describe the body of a POST to `path` with a batch, which may be an array if `arrays`."""
    array = BINARY | {"description": "uint8 [N, height, width], as `numpy.save` writes it."}
    lines = _lines("Any number of lines: each an image, or its Base64 alone.", EncodedImage)
    return _request_body(
        {
            JSON: _media(_reference(BatchRequest), example.json_batch()),
            FORM: _media(_reference(BatchForm), example.form(path, "files")),
            **({NPY: _media(array, example.npy(path))} if arrays else {}),
            NDJSON: _media(lines, example.ndjson()),
        }
    )


def batch_answer(description: str, *lines: type[BaseModel]) -> dict[int | str, Json]:
    """Describe the NDJSON answer to a batch, whose lines are any of these models."""
    schema = _lines(
        "A line for each image, in order; if the answer is cut short, the last is a `BatchEnd`.",
        *lines,
        BatchEnd,
    )
    return {200: {"description": description, "content": {NDJSON: {"schema": schema}}}}


def _request_body(content: Mapping[str, Json]) -> Json:
    return {"requestBody": {"required": True, "content": dict(content)}}


def _media(schema: Json, examples: Json) -> Json:
    return {"schema": schema, "examples": examples}


def _lines(description: str, *models: type[BaseModel]) -> Json:
    # JSON Schema has no notion of a text whose lines are documents.
    return {
        "type": "string",
        "description": description,
        "x-line": {"oneOf": [_reference(model) for model in models]},
    }


def _reference(model: type[BaseModel]) -> Json:
    return {"$ref": f"#/components/schemas/{model.__name__}"}


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
