"""The ASGI application: routes, middleware, and what lives as long as the process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import lru_cache

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from fastapi.telemetry import TelemetryConfig
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Mount, compile_path

from service.api import feedback, forms, models, openapi, problems, reading, system, tables
from service.api.dependencies import State
from service.api.negotiation import is_streamed
from service.api.stream import Streams
from service.auth.api_keys import ApiKeys
from service.errors import PROBLEMS
from service.feedback.recorder import open_recorder
from service.forms.registry import Forms
from service.inference.admission import Pace
from service.inference.decisions import Decision, Reason
from service.inference.engine import Engine
from service.inference.field_answers import FieldReason
from service.inference.registry import Registry
from service.lifecycle import Lifecycle
from service.memory import MemoryBudget
from service.metrics import Metrics
from service.middleware import Authentication, BodyLimit, RequestContext
from service.settings import Settings
from service.tracing import Tracing
from service.v2.routes import router as v2_router
from service.v2.statistics import StatisticsCollector
from service.version import version

_DESCRIPTION = """\
Reads handwritten digits and fields, and says when a person should check the answer.

Every error is a problem object (RFC 9457); its `type` is the path of an explanation. Every response
carries `X-Request-ID`. Under `/v2` the service speaks the Open Inference Protocol with Triton's
binary tensors; errors there are `{"error": "..."}`.
"""

# What a page of another origin may send and read, besides what browsers always allow.
_CORS_REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "Inference-Header-Content-Length",
    "X-API-Key",
    "X-Request-ID",
    "traceparent",
)
_CORS_RESPONSE_HEADERS = ("Inference-Header-Content-Length", "Retry-After", "X-Request-ID")

# At most a twentieth of a core; 2,500 connections that retry at once then wait ten seconds each.
_REFUSALS_PER_SECOND = 250.0

# FastAPI's own telemetry costs as much as half a prediction.
_NO_TELEMETRY = TelemetryConfig(tracing=False, metrics=False, logs=False, auto_configure=False)


def create_app(
    settings: Settings,
    api_keys: ApiKeys | None = None,
    lifecycle: Lifecycle | None = None,
    *,
    load_first: bool = False,
) -> FastAPI:
    """Create the service: `uvicorn.run(create_app(Settings()))`.

    Processes that share `api_keys` pass them on, and `lifecycle` tells that the process stops. With
    `load_first`, models are loaded before the server listens: others answer meanwhile.

    Raises:
        KeysFileError: the keys file cannot be used.
    """
    api_keys = api_keys or ApiKeys.from_file(settings.api_keys_file)
    lifecycle = lifecycle or Lifecycle()
    memory = MemoryBudget(settings.max_total_body_bytes)
    tracing = Tracing() if settings.tracing else None
    metrics = Metrics()
    metrics.expect(
        problems=[kind.slug for kind in PROBLEMS],
        decisions=list(Decision),
        reasons=list(dict.fromkeys([*Reason, *FieldReason])),
    )

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        page_forms = Forms(settings)
        registry = Registry(settings, metrics, page_forms.load)
        queue_size, timeout = settings.queue_size, settings.request_timeout
        engine = Engine(queue_size=queue_size, request_timeout=timeout, metrics=metrics)
        async with open_recorder(settings, metrics) as recorder, engine, metrics.flushed():
            if load_first:
                await registry.load()
            # Otherwise in the background: liveness answers while the models are loaded.
            loading = asyncio.create_task(registry.load_until_ready())
            try:
                yield {
                    "engine": engine,
                    "refusals": Pace(_REFUSALS_PER_SECOND, longest=timeout),
                    "registry": registry,
                    "forms": page_forms,
                    "settings": settings,
                    "statistics": StatisticsCollector(),
                    "metrics": metrics,
                    "streams": Streams(settings, memory),
                    "lifecycle": lifecycle,
                    "recorder": recorder,
                }
            finally:
                loading.cancel()
                if tracing:
                    await asyncio.to_thread(tracing.close)

    app = FastAPIOffline(
        docs_url=None,
        redoc_url=None,
        # Not "Numeral": clients generated with that title would be packages named numeral_client.
        title="Numeral API",
        version=version(),
        description=_DESCRIPTION,
        license_info={"name": "MIT", "identifier": "MIT"},
        # Relative to the document, so that it holds behind any path prefix of a proxy.
        servers=[{"url": "./"}],
        lifespan=lifespan,
        redirect_slashes=False,
        telemetry=_NO_TELEMETRY,
    )
    for resource in (reading, forms, tables, feedback, models):
        app.include_router(resource.router)
    app.include_router(v2_router)
    system.install(app)
    problems.install(app)
    openapi.describe(app, max_batch=settings.max_batch, api_keys=api_keys)
    route_of = _route_finder(app)

    # The last one added is the outermost.
    app.add_middleware(
        BodyLimit,
        max_bytes=settings.max_body_bytes,
        memory=memory,
        seconds=settings.body_timeout,
        is_streamed=is_streamed,
    )
    if api_keys.keys:
        app.add_middleware(Authentication, api_keys=api_keys)
    if settings.cors_origins:
        # Outside authentication: a browser asks for permission before it sends a key.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=("GET", "HEAD", "POST"),
            allow_headers=_CORS_REQUEST_HEADERS,
            expose_headers=_CORS_RESPONSE_HEADERS,
        )
    app.add_middleware(RequestContext, metrics=metrics, route_of=route_of)
    if tracing:
        app.add_middleware(tracing.middleware, route_of=route_of)
    return app


def _route_finder(app: FastAPI) -> Callable[[str], str]:
    """Return a function from a path to its route's template: /models/resnet to /models/{name}."""
    templates = [
        f"{context.path}/{{rest:path}}" if isinstance(context.route, Mount) else str(context.path)
        for context in iter_route_contexts(app.routes)
    ]
    patterns = [(compile_path(template)[0], template) for template in templates]

    # Clients may ask for any number of paths, but few are common.
    @lru_cache(1024)
    def route_of(path: str) -> str:
        return next((template for pattern, template in patterns if pattern.match(path)), "unknown")

    return route_of
