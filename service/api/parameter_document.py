"""What OpenAPI says of parameters in queries and paths."""

import re
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel

Json = dict[str, Any]

COMPONENTS = "#/components/schemas/{model}"
_PATH_PARAMETERS = {
    "name": "Name of the model.",
    "version": "The model's version, as its metadata says; another one is not there.",
}


def query_parameters(model: type[BaseModel]) -> list[Json]:
    """The fields of `model` as parameters of a query."""
    return [
        {"name": name, "in": "query", "description": schema.pop("description"), "schema": schema}
        for name, schema in map(_without_null, _schema_of(model)["properties"].items())
    ]


def schemas_in_queries(*models: type[BaseModel]) -> Json:
    """The schemas by name that the parameters of `models` refer to."""
    return {
        name: schema
        for model in models
        for name, schema in _schema_of(model).get("$defs", {}).items()
    }


def missing_path_parameters(path: str, parameters: Sequence[Json]) -> list[Json]:
    """Those of `path` that the framework does not know of, for a handler does not take them."""
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


def _schema_of(model: type[BaseModel]) -> Json:
    return model.model_json_schema(ref_template=COMPONENTS)


def _without_null(field: tuple[str, Json]) -> tuple[str, Json]:
    # A query string cannot say null; such a parameter is left out.
    name, schema = field
    if "anyOf" in schema:
        value, _ = schema.pop("anyOf")
        del schema["default"]
        schema |= value
    return name, schema
