"""The ASGI application: rooms, middleware and lifespan put together."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from service import middleware
from service.access import Access
from service.api import health, models, openapi, predict, problem_answers
from service.api.security_document import describe_keys
from service.api.state import State
from service.api.v2.routes import router as v2_router
from service.api.v2.statistics import StatisticsBook
from service.engine import Engine
from service.exchange import Exchanges
from service.guard import Guard
from service.headers import SecurityHeaders
from service.lane import Lane
from service.settings import Settings, unknown_variables
from service.version import version

_log = logging.getLogger(__name__)

_DESCRIPTION = """\
Reads handwritten digits, one to an image, and says when not to believe the answer.

Every error is a problem object (RFC 9457); its `type` leads to an explanation. Every response
carries `X-Request-ID`.

Under `/v2` it speaks the Open Inference Protocol, with Triton's binary tensors: errors there are
`{"error": "..."}`, and a Triton client works as it is.
"""

# What a page of another origin may send, and read, besides what any may.
_CORS_REQUEST_HEADERS = (
    "Authorization",
    "Content-Type",
    "Inference-Header-Content-Length",
    "X-API-Key",
    "X-Request-ID",
)
_CORS_RESPONSE_HEADERS = ("Inference-Header-Content-Length", "Retry-After", "X-Request-ID")


def create_app(settings: Settings, access: Access | None = None) -> ASGIApp:
    """The service, with `settings`; its models are loaded once it has started.

        uvicorn.run(create_app(Settings()))

    What every request passes stands around the framework, not in it: a request that takes the lane
    meets nothing of the framework at all.

    Args:
        settings: what can be set.
        access: who may call, where several processes share it; otherwise the settings say.

    Raises:
        KeysFileError: the file of the keys cannot be used.
    """
    if access is None:
        access = Access.from_file(settings.api_keys_file)
    return enclose(create_api(settings, access), settings, access)


def enclose(api: ASGIApp, settings: Settings, access: Access) -> ASGIApp:
    """`api` with what every request passes before it; the outermost comes last."""
    app: ASGIApp = middleware.HeadAsGet(api)
    app = Lane(app, posts={"/predict": predict.predict})
    app = Exchanges(
        app,
        max_bytes=settings.max_body_bytes,
        max_total_bytes=settings.max_total_body_bytes,
        seconds=settings.body_timeout,
    )
    if access.keys:
        app = Guard(app, access=access)
    if settings.cors_origins:
        # Outside of the guard: a browser asks whether it may call before it shows a key.
        app = CORSMiddleware(
            app,
            allow_origins=settings.cors_origins,
            allow_methods=("GET", "HEAD", "POST"),
            allow_headers=_CORS_REQUEST_HEADERS,
            expose_headers=_CORS_RESPONSE_HEADERS,
        )
    app = SecurityHeaders(app)
    app = middleware.AccessLog(app)
    return middleware.RequestId(app)


def create_api(settings: Settings, access: Access) -> FastAPI:
    """The paths, what they need as long as the process lives, and the document of them."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        for variable in unknown_variables():
            _log.warning("%s sets nothing: numeral serve --help lists the settings", variable)
        async with Engine(settings) as engine:
            # Beside the server, not before it: liveness answers while the models are loaded.
            loading = asyncio.create_task(engine.load())
            yield {"engine": engine, "settings": settings, "statistics": StatisticsBook()}
            loading.cancel()

    app = FastAPIOffline(
        title="Numeral",
        version=version(),
        description=_DESCRIPTION,
        license_info={"name": "MIT", "identifier": "MIT"},
        lifespan=lifespan,
        redirect_slashes=False,
        # Swagger UI would otherwise ask a public server to validate the document.
        swagger_ui_parameters={"validatorUrl": None},
    )
    for resource in (predict, models, health, problem_answers):
        app.include_router(resource.router)
    app.include_router(v2_router)
    problem_answers.install(app)
    if access.keys:
        describe_keys(app.openapi(), quotas=access.has_quotas)
    openapi.describe(app, max_batch=settings.max_batch)
    return app
