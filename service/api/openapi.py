"""What OpenAPI says of bodies, parameters and errors that are read by hand, for speed."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from service.api import examples
from service.api.bodies import FORM, IMAGE_TYPES, OCTET_STREAM
from service.api.feedback_schemas import Feedback
from service.api.formats import BatchRequest, EncodedImage
from service.api.negotiation import JSON, NDJSON, NPY
from service.api.parameter_document import (
    COMPONENTS,
    missing_path_parameters,
    query_parameters,
    schemas_in_queries,
)
from service.api.parameters import FieldParameters, ReadingParameters
from service.api.problems import Problem, ProtocolError
from service.api.schemas import BatchEnd
from service.v2.schemas import InferRequest, RepositoryIndexRequest

Json = dict[str, Any]

# Models that are read or written by hand, so that the framework does not know of them.
_BY_HAND: Sequence[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [
    (BatchRequest, "validation"),
    (BatchEnd, "serialization"),
    (Feedback, "validation"),
    (InferRequest, "validation"),
    (RepositoryIndexRequest, "validation"),
    (Problem, "serialization"),
    (ProtocolError, "serialization"),
]
BINARY: Json = {"type": "string", "format": "binary"}
_PICTURE_FORM = "PictureForm"
_BATCH_FORM = "BatchForm"
_REQUEST_ID: Json = {
    "description": "The caller's X-Request-ID, if it sent one of up to 128 letters, digits,"
    " dots, underscores and dashes; otherwise a new one.",
    "schema": {"type": "string"},
}
_REQUEST_ID_OF_CALLER: Json = {
    "name": "X-Request-ID",
    "in": "header",
    "description": "Comes back with the answer and stands in the log; any other is replaced.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
}


def component(model: type[BaseModel]) -> Json:
    """A reference to the schema of `model`."""
    return {"$ref": COMPONENTS.format(model=model.__name__)}


def reading_operation(parameters: type[BaseModel], content: Mapping[str, Json]) -> Json:
    """The parts of an operation that reads pictures: its query parameters and its body."""
    return {
        "parameters": query_parameters(parameters),
        "requestBody": {"required": True, "content": dict(content)},
    }


def single_body(path: str, example: examples.Example) -> dict[str, Json]:
    """The bodies of a POST to `path` with one picture, by media type."""
    return {
        **{kind: _body(BINARY, example.raw(path, kind, kind)) for kind in IMAGE_TYPES},
        OCTET_STREAM: _body(BINARY, example.raw(path, OCTET_STREAM, "image/png")),
        FORM: _body({"$ref": COMPONENTS.format(model=_PICTURE_FORM)}, example.form(path, "file")),
    }


def batch_body(path: str, example: examples.Example, *, arrays: bool) -> dict[str, Json]:
    """The bodies of a POST to `path` with a batch, by media type; `arrays`: NumPy's among them."""
    array = _body(
        BINARY | {"description": "uint8 [N, height, width], as `numpy.save` writes it."},
        example.npy(path, NPY),
    )
    return {
        JSON: _body(component(BatchRequest), example.json_batch()),
        FORM: _body({"$ref": COMPONENTS.format(model=_BATCH_FORM)}, example.form(path, "files")),
        **({NPY: array} if arrays else {}),
        NDJSON: _body(
            _lines("Any number of lines: each an image, or its Base64 alone.", EncodedImage),
            example.ndjson(),
        ),
    }


def batch_answer(description: str, *line: type[BaseModel]) -> dict[int | str, Json]:
    """The answer to a batch in lines of one of these models, beside the one in JSON."""
    lines = _lines(
        "A line for each image, in order; where the answer is cut short, the last is a `BatchEnd`.",
        *line,
        BatchEnd,
    )
    return {200: {"description": description, "content": {NDJSON: {"schema": lines}}}}


def describe(app: FastAPI, *, max_batch: int) -> None:
    """Complete the document of `app` with what it cannot know: schemas used by hand, headers."""
    document = app.openapi()
    _, definitions = models_json_schema(_BY_HAND, ref_template=COMPONENTS)
    schemas = document["components"]["schemas"]
    schemas |= {name: _without_null_defaults(each) for name, each in definitions["$defs"].items()}
    schemas |= schemas_in_queries(ReadingParameters, FieldParameters)
    files = {"type": "array", "minItems": 1, "maxItems": max_batch, "items": BINARY}
    schemas[_PICTURE_FORM] = _form("file", BINARY)
    schemas[_BATCH_FORM] = _form("files", files)
    schemas[BatchRequest.__name__]["properties"]["images"]["maxItems"] = max_batch
    for path, operations in document["paths"].items():
        for operation in operations.values():
            parameters = operation.setdefault("parameters", [])
            parameters += [*missing_path_parameters(path, parameters), _REQUEST_ID_OF_CALLER]
            for response in operation["responses"].values():
                response.setdefault("headers", {})["X-Request-ID"] = _REQUEST_ID


def _body(schema: Json, shown: Json) -> Json:
    return {"schema": schema, "examples": shown}


def _lines(description: str, *models: type[BaseModel]) -> Json:
    # JSON Schema knows a text that holds one document, but none that holds lines of them.
    return {
        "type": "string",
        "description": description,
        "x-line": {"oneOf": [component(model) for model in models]},
    }


def _form(field: str, schema: Json) -> Json:
    return {"type": "object", "required": [field], "properties": {field: schema}}


def _without_null_defaults(schema: Json) -> Json:
    # What may be left out is not there then; with a default, generators say that it always is.
    for field in schema.get("properties", {}).values():
        if "default" in field and field["default"] is None:
            del field["default"]
    return schema
