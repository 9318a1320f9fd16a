"""OpenAPI of the bodies that hold images: a schema for each media type, and working examples.

FastAPI cannot declare a choice between raw bytes, a form, JSON and other media types. The form is
first: of several types OpenAPI Generator takes the first, and its clients send forms best.
"""

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from service.api.bodies import FORM, IMAGE_TYPES, OCTET_STREAM
from service.api.formats import BatchRequest, EncodedImage, PictureRequest
from service.api.negotiation import JSON, NDJSON, NPY, PNG
from service.api.openapi import component
from service.api.schemas import BatchEnd, BatchFailure, BatchForm, PictureForm, TrialForm

Json = dict[str, Any]

BINARY: Json = {"type": "string", "format": "binary"}
_URL = "http://127.0.0.1:8000"


@dataclass(frozen=True)
class Example:
    """A picture that every model reads."""

    name: str  # what it shows
    file: str  # name of its file
    png: str  # the file in Base64

    def raw(self, path: str, media_type: str) -> Json:
        """The picture, sent to `path` as it is."""
        command = f"curl -H 'Content-Type: {media_type}' --data-binary @{self.file} {_URL}{path}"
        return self._binary(command, media_type, self.png)

    def form(self, path: str, field: str) -> Json:
        """The picture as the form field `field`."""
        part = f'Content-Disposition: form-data; name="{field}"; filename="{self.file}"'
        head, end = f"--example\r\n{part}\r\n\r\n".encode(), b"\r\n--example--\r\n"
        body = b64encode(head + b64decode(self.png) + end).decode()
        command = f"curl -F {field}=@{self.file} {_URL}{path}"
        return self._binary(command, f"{FORM};boundary=example", body)

    def batch(self) -> Json:
        """Two pictures in JSON, the second with an id."""
        return {f"{self.name}s": {"value": {"images": self._images()}}}

    def lines(self) -> Json:
        """The same pictures as lines."""
        lines = "".join(f"{json.dumps(image)}\n" for image in self._images())
        return {f"{self.name}s": {"value": lines}}

    def tensor(self) -> Json:
        """The picture as a tensor of the Open Inference Protocol."""
        tensor = {"name": "image_bytes", "shape": [1], "datatype": "BYTES", "data": [self.png]}
        return {self.name: {"value": {"inputs": [tensor]}}}

    def _images(self) -> list[Any]:
        return [self.png, {"id": "cheque-17", "image": self.png}]

    def _binary(self, command: str, media_type: str, body: str) -> Json:
        # JSON cannot hold these bytes, so the document has a URL that does. Generators of clients
        # fail on an `externalValue`, which they take for a file's name.
        return {self.name: {"summary": command, "x-body": f"data:{media_type};base64,{body}"}}


SEVEN = Example(
    "seven",
    "digit.png",
    "iVBORw0KGgoAAAANSUhEUgAAACAAAAAgAQAAAABbAUdZAAAARklEQVR4nHWOsQ2AMBADLxF7wChsxnoMkgmo+IajyX+X"
    "xrJ8tuQm0FkIgggXghsGHaIqT7lR7s6tuzPzSPqdSV+TBrTVjR+REhelmUwaJgAAAABJRU5ErkJggg==",
)
FIELD = Example(
    "field",
    "field.png",
    "iVBORw0KGgoAAAANSUhEUgAAAHAAAAAoAQAAAAAORkN8AAAAkklEQVR4nL2RwQ2DMAxFX1AHYAO6SbJhuxKnMgYSLNCe"
    "QIryesgFQa6tT7a+/fxlBzlGx+/KMSR4h54xJDpgNsEGzOdmtMQS9aEleiWXBPCEkhqz2RI1atYOMoBAbpncofL2i4ou"
    "luimLjZsnMoVKm9tqRPAB5haag9woyY6WKIvdWjs9U7FeG+gjrc5q+Ff7/4C4o1Nw0h/VOgAAAAASUVORK5CYII=",
)
TABLE = Example(
    "table",
    "table.png",
    "iVBORw0KGgoAAAANSUhEUgAAATgAAACYAQAAAABYb8idAAAC50lEQVRYw+3YsW7bMBAG4BNYVB2McM0QhK/hwQj7YIFFQ0"
    "Nei0aGjH0FBh0yRkAXBiDE3lG0wpOU1AVaIC3k6RB/kUTxSP0yxPM+sLoP5jr49adG585w4jfc9+Iq3q5Xt7q/7Tqqg2Ku"
    "Lp2n70A5TbUsna9K1+E62YN0KtdNdj9wUZTOCQc7kFZibbHW2T1Ge/qf5Gxl4QpqUydnQb0M7vhguDsYuIQayBmsVdcMrj"
    "VeF+7g7O4SpGjpu6PdKXdyD8y1LobLz9eS3NMRb43V2UXmBDnZy3u6F++4O3RbCOpI7hCDNqPrSvftMfot7AYn8BgwuPs2"
    "2tLhudBdJdfXhbuPpmEuwBY22QUojsfmI7Ye5yM76UFvxusTU3cNG/2Yjof1yVU4qtIJOlc+HtY3XwZnq8n11dE24dMw3i"
    "pa7J3kXMXH20tsjZOzWOOGPPRR7FThgqRZyM5hbQbnxdDCRT+3MWxUmrcOazucl/5aOpwcnMmL1AfJeX1yfemwjYTfXtTZ"
    "iVf3xB2O2GP/UZ8+u1i/uiM7r4VedqBSP7cORz86c8vdHp02tI4MlM5Cef8c3JKztC5NFQrnJm6vPDRpnVuBlz46z9abh6"
    "gDRJ/XvI5hWEfxrofZ/nIY1mxf7hvPeAfXfXd1H8H96Vy35r/V/TuuPsdZMeY85rzizsCY85grsmByAF/HbFg6J9jzqKel"
    "0rzMHeVCxZ3XOfMxR1mQXV/ttZs7yoWK5UTtdc5ypaNcWLr4hhNz150yX+koF7JcZxt7ymilo1w4caZZcJQLJw7iogvsuR"
    "8NZpbNgsPn/sQd+jccGy/mvP2XBScm58Wcd5MzH3OUC7nrVM58pUu5sMyJlPPM3KVcyB1mdbnUzyyXhBpznp+PI+VC5p4W"
    "HeVC9h4lMectuen7lsSct+AoF7L3LYk5b9HtuVNu0VEu5A5z3qLbK+Y05rwwX0eUC9k4Xu/Tu/tLWPfn1f0v+e/c3xPX32"
    "M/kvsJ0SwGUxkEr38AAAAASUVORK5CYII=",
)


def single_body(path: str, example: Example) -> Json:
    """Describe the body of a POST to `path` with one picture."""
    form = {"schema": component(PictureForm), "examples": example.form(path, "file")}
    content: Json = {FORM: form} | {
        kind: {"schema": BINARY} for kind in (*IMAGE_TYPES, OCTET_STREAM)
    }
    content[PNG]["examples"] = example.raw(path, PNG)
    content[JSON] = {
        "schema": component(PictureRequest),
        "examples": {example.name: {"value": {"image": example.png}}},
    }
    return _request_body(content)


def form_body() -> Json:
    """Describe the body of a POST with a form file and a page."""
    return _request_body({FORM: {"schema": component(TrialForm)}})


def batch_body(path: str, example: Example, *, arrays: bool) -> Json:
    """Describe the body of a POST to `path` with a batch, which may be an array if `arrays`."""
    lines = _lines("Any number of lines: each an image, or its Base64 alone.", EncodedImage)
    content: Json = {
        FORM: {"schema": component(BatchForm), "examples": example.form(path, "files")},
        JSON: {"schema": component(BatchRequest), "examples": example.batch()},
        NDJSON: {"schema": lines, "examples": example.lines()},
    }
    if arrays:
        array = "uint8 [N, height, width], as `numpy.save` writes it."
        content[NPY] = {"schema": BINARY | {"description": array}}
    return _request_body(content)


def batch_answer(description: str, item: type[BaseModel]) -> dict[int | str, Json]:
    """Describe the NDJSON answer to a batch whose images are answered by `item`."""
    lines = "A line for each image, in order; if the answer is cut short, the last is a `BatchEnd`."
    schema = _lines(lines, item, BatchFailure, BatchEnd)
    return {200: {"description": description, "content": {NDJSON: {"schema": schema}}}}


def _request_body(content: Json) -> Json:
    return {"requestBody": {"required": True, "content": content}}


def _lines(description: str, *models: type[BaseModel]) -> Json:
    # JSON Schema has no notion of a text whose lines are documents.
    line = {"oneOf": [component(model) for model in models]}
    return {"type": "string", "description": description, "x-line": line}
