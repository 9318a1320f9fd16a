"""The paths of the protocol."""

from fastapi import APIRouter
from fastapi.routing import APIRoute

from service.api.problems import V2_PREFIX as PREFIX
from service.api.v2 import infer, models, server

_MODEL = "/models/{name}"
_VERSION = "/versions/{version}"

# Where tensors are sent to, with and without the model's version.
INFER_PATHS = tuple(PREFIX + _MODEL + version + "/infer" for version in ("", _VERSION))


def _operation_id(route: APIRoute) -> str:
    version = "_version" if _VERSION in route.path else ""
    return f"v2_{route.name}{version}"


def _router() -> APIRouter:
    router = APIRouter(tags=["v2"], generate_unique_id_function=_operation_id)
    for prefix, parts in (
        (PREFIX, [server]),
        (PREFIX + _MODEL, [models, infer]),
        (PREFIX + _MODEL + _VERSION, [models, infer]),
    ):
        for part in parts:
            router.include_router(part.router, prefix=prefix)
    return router


router = _router()
