"""What OpenAPI says of bodies, parameters and errors that are read by hand, for speed."""

import re
from collections.abc import Sequence
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from service.api.feedback_schemas import Feedback
from service.api.formats import BatchRequest
from service.api.problems import Problem, ProtocolError
from service.api.schemas import BatchEnd, BatchForm, PictureForm
from service.v2.schemas import InferRequest, RepositoryIndexRequest

Json = dict[str, Any]

# Models that are read or written by hand, so that the framework does not know of them.
_BY_HAND: Sequence[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [
    (PictureForm, "validation"),
    (BatchForm, "validation"),
    (BatchRequest, "validation"),
    (BatchEnd, "serialization"),
    (Feedback, "validation"),
    (InferRequest, "validation"),
    (RepositoryIndexRequest, "validation"),
    (Problem, "serialization"),
    (ProtocolError, "serialization"),
]
COMPONENTS = "#/components/schemas/{model}"
_PATH_PARAMETERS = {
    "name": "Name of the model.",
    "version": "The model's version, as its metadata says; other versions are not available.",
}
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


def describe(app: FastAPI, *, max_batch: int) -> None:
    """Complete the document of `app` with what it cannot know: schemas used by hand, headers."""
    document = app.openapi()
    _, definitions = models_json_schema(_BY_HAND, ref_template=COMPONENTS)
    schemas = document["components"]["schemas"]
    schemas |= {name: _without_null_defaults(each) for name, each in definitions["$defs"].items()}
    schemas[BatchForm.__name__]["properties"]["files"]["maxItems"] = max_batch
    schemas[BatchRequest.__name__]["properties"]["images"]["maxItems"] = max_batch
    for path, operations in document["paths"].items():
        for operation in operations.values():
            parameters = operation.setdefault("parameters", [])
            parameters += [*_missing_path_parameters(path, parameters), _REQUEST_ID_OF_CALLER]
            for response in operation["responses"].values():
                response.setdefault("headers", {})["X-Request-ID"] = _REQUEST_ID


def _missing_path_parameters(path: str, parameters: Sequence[Json]) -> list[Json]:
    """Those of `path` that FastAPI does not know, as its handler does not declare them."""
    known = {parameter["name"] for parameter in parameters}
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": _PATH_PARAMETERS[name],
            "schema": {"type": "string"},
        }
        for name in re.findall(r"{(\w+)}", path)
        if name not in known
    ]


def _without_null_defaults(schema: Json) -> Json:
    # What may be left out is not there then; with a default, generators say that it always is.
    for field in schema.get("properties", {}).values():
        if "default" in field and field["default"] is None:
            del field["default"]
    return schema
