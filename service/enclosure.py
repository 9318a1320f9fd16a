"""What every request passes on its way in, and its answer on the way out."""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount, Route
from starlette.types import ASGIApp

from service.exchange import Exchanges
from service.guard import Guard
from service.head_as_get import HeadAsGet
from service.observe import Observe
from service.page_headers import PageHeaders
from service.parts import Parts
from service.paths import PathTemplates

# What a page of another origin may send, and read, besides what any may.
_CORS_REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "Inference-Header-Content-Length",
    "X-API-Key",
    "X-Request-ID",
    "traceparent",
)
_CORS_RESPONSE_HEADERS = ("Inference-Header-Content-Length", "Retry-After", "X-Request-ID")


def enclose(api: FastAPI, parts: Parts) -> ASGIApp:
    """`api` with what stands around it; the outermost comes last.

    It stands around the framework, not in it.
    """
    settings = parts.settings
    paths = _paths(api)
    app: ASGIApp = PageHeaders(HeadAsGet(api))
    app = Exchanges(
        app,
        max_bytes=settings.max_body_bytes,
        held=parts.held,
        seconds=settings.body_timeout,
    )
    if parts.access.keys:
        app = Guard(app, access=parts.access)
    if settings.cors_origins:
        # Outside of the guard: a browser asks whether it may call before it shows a key.
        app = CORSMiddleware(
            app,
            allow_origins=settings.cors_origins,
            allow_methods=("GET", "HEAD", "POST"),
            allow_headers=_CORS_REQUEST_HEADERS,
            expose_headers=_CORS_RESPONSE_HEADERS,
        )
    app = Observe(
        app,
        metrics=parts.metrics,
        paths=paths,
        traced=parts.tracing is not None,
    )
    if parts.tracing:
        app = parts.tracing.middleware(app, paths.of)
    return app


def _paths(api: FastAPI) -> PathTemplates:
    documented = api.openapi()["paths"]
    others = [
        f"{route.path}/{{rest:path}}" if isinstance(route, Mount) else route.path
        for route in api.routes
        if isinstance(route, Mount | Route)
    ]
    return PathTemplates([*documented, *others])
