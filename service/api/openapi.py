"""What OpenAPI says of everything that FastAPI cannot derive from the routes."""

import asyncio
import re
from collections.abc import Sequence
from threading import Lock
from typing import Any, Literal

from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.json_schema import models_json_schema
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from service.api.feedback_schemas import Feedback
from service.api.formats import BatchRequest, PictureRequest
from service.api.problems import (
    Problem,
    ProtocolError,
    is_v2,
    problem_responses,
    v2_error_responses,
)
from service.api.schemas import BatchEnd, BatchForm, PictureForm, SeenPicture, TrialForm
from service.api.security import role_for
from service.auth.api_keys import ApiKeys, Role
from service.errors import KeyRequired, QuotaExceeded, RoleRequired
from service.v2.schemas import InferRequest, RepositoryIndexRequest

Json = dict[str, Any]

# Models that routes read or write themselves, so that FastAPI does not know of them.
_BY_HAND: Sequence[tuple[type[BaseModel], Literal["validation", "serialization"]]] = [
    (PictureForm, "validation"),
    (BatchForm, "validation"),
    (TrialForm, "validation"),
    (PictureRequest, "validation"),
    (BatchRequest, "validation"),
    (BatchEnd, "serialization"),
    (SeenPicture, "serialization"),
    (Feedback, "validation"),
    (InferRequest, "validation"),
    (RepositoryIndexRequest, "validation"),
    (Problem, "serialization"),
    (ProtocolError, "serialization"),
]
_FORMATS = {"integer": "int64", "number": "double"}
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
_REQUEST_ID_PARAMETER: Json = {
    "name": "X-Request-ID",
    "in": "header",
    "description": "Returned with the response and written to the log; any other is replaced.",
    "schema": {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,128}$"},
}
_SECURITY_SCHEMES: Json = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key of this service."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same key."},
}


def component(model: type[BaseModel]) -> Json:
    """A reference to the schema of `model`."""
    return {"$ref": COMPONENTS.format(model=model.__name__)}


def describe(app: FastAPI, *, max_batch: int, api_keys: ApiKeys) -> None:
    """Have `app` complete its document: schemas of bodies, API keys, request ids.

    That takes half a second, so it is done on the first request, in a thread.
    """
    derived, lock = app.openapi, Lock()
    document: Json | None = None

    def completed() -> Json:
        nonlocal document
        with lock:
            if document is None:
                fresh = derived()
                _complete(fresh, max_batch, api_keys)
                document = fresh
        return document

    app.openapi = completed  # type: ignore[method-assign]
    # FastAPI's own route would complete it on the event loop.
    routes = app.router.routes
    [(place, own)] = [
        (place, route)
        for place, route in enumerate(routes)
        if isinstance(route, Route) and route.path == app.openapi_url
    ]

    async def show_document(request: Request) -> Response:
        await asyncio.to_thread(completed)
        shown: Response = await own.endpoint(request)
        return shown

    routes[place] = Route(own.path, show_document, include_in_schema=False)


def _complete(document: Json, max_batch: int, api_keys: ApiKeys) -> None:
    _, definitions = models_json_schema(_BY_HAND, ref_template=COMPONENTS)
    schemas = document["components"]["schemas"]
    schemas |= definitions["$defs"]
    _adapt(schemas)
    _adapt(document["paths"])
    schemas[BatchForm.__name__]["properties"]["files"]["maxItems"] = max_batch
    schemas[BatchRequest.__name__]["properties"]["images"]["maxItems"] = max_batch
    if api_keys.keys:
        document["components"]["securitySchemes"] = _SECURITY_SCHEMES
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if api_keys.keys and (role := role_for(path)):
                _require_key(path, operation, role, quotas=api_keys.has_quotas)
            parameters = operation.setdefault("parameters", [])
            parameters += [*_missing_path_parameters(path, parameters), _REQUEST_ID_PARAMETER]
            for response in operation["responses"].values():
                response.setdefault("headers", {})["X-Request-ID"] = _REQUEST_ID


def _require_key(path: str, operation: Json, role: Role, *, quotas: bool) -> None:
    kinds = [KeyRequired, RoleRequired, *([QuotaExceeded] if quotas else [])]
    errors = v2_error_responses(*kinds) if is_v2(path) else problem_responses(*kinds)
    operation["security"] = [{scheme: []} for scheme in _SECURITY_SCHEMES]
    requires = f"Requires a key with the role `{role}`."
    operation["description"] = f"{operation.get('description', '')}\n\n{requires}".strip()
    responses = {str(status): response for status, response in errors.items()}
    operation["responses"] = dict(sorted((responses | operation["responses"]).items()))


def _missing_path_parameters(path: str, parameters: Sequence[Json]) -> list[Json]:
    """Those of `path` that FastAPI does not know, as its handler does not declare them."""
    known = {parameter["name"] for parameter in parameters}
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": "Name of the form."
            if path.startswith("/forms")
            else _PATH_PARAMETERS[name],
            "schema": {"type": "string"},
        }
        for name in re.findall(r"{(\w+)}", path)
        if name not in known
    ]


def _adapt(part: Any) -> None:  # noqa: ANN401 - any JSON
    """Adapt `part` of the document to generators of clients."""
    if isinstance(part, list):
        for each in part:
            _adapt(each)
    if not isinstance(part, dict):
        return
    # They name classes after titles, and pydantic gives the same title to fields of one name.
    if isinstance(part.get("title"), str):
        del part["title"]
    # A field with a default of null may be omitted; they take it for one that is always there.
    if part.get("default", "") is None:
        del part["default"]
    # Without a format an integer has 32 bits in some languages, and a number is no floating point.
    if format_ := _FORMATS.get(str(part.get("type"))):
        part.setdefault("format", format_)
    for name, each in part.items():
        if name != "examples":
            _adapt(each)
