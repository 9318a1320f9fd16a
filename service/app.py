"""The ASGI application: rooms, lifespan and what stands around them put together."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI
from fastapi.telemetry import TelemetryConfig
from fastapi_offline import FastAPIOffline
from starlette.types import ASGIApp

from service.api import (
    admin,
    feedback,
    fields,
    health,
    metrics,
    models,
    openapi,
    page,
    predict,
    problems,
    reviews,
)
from service.api.security_document import describe_keys
from service.api.state import State
from service.api.stream import Streams
from service.auth.api_keys import ApiKeys
from service.enclosure import enclose
from service.feedback.opening import open_ledger
from service.inference.engine import Engine
from service.inference.registry import Registry
from service.lifecycle import Lifecycle
from service.parts import Parts
from service.settings import Settings
from service.v2.routes import router as v2_router
from service.v2.statistics import StatisticsCollector
from service.version import version

if TYPE_CHECKING:
    from service.feedback.ledger import Ledger

_DESCRIPTION = """\
Reads handwritten digits, single ones and whole fields, and says when not to believe the answer.

Every error is a problem object (RFC 9457); its `type` leads to an explanation. Every response
carries `X-Request-ID`.

Under `/v2` it speaks the Open Inference Protocol, with Triton's binary tensors: errors there are
`{"error": "..."}`, and a Triton client works as it is.
"""

# The service observes itself: the framework's own way costs as much as half a prediction.
_NO_TELEMETRY = TelemetryConfig(tracing=False, metrics=False, logs=False, auto_configure=False)


def create_app(
    settings: Settings,
    access: ApiKeys | None = None,
    lifecycle: Lifecycle | None = None,
    *,
    load_first: bool = False,
) -> ASGIApp:
    """The service, with `settings`.

        uvicorn.run(create_app(Settings()))

    Args:
        settings: what can be set.
        access: who may call, where several processes share it; otherwise the settings say.
        lifecycle: where the process tells the service that it stops.
        load_first: load the models before the server listens, not while it does: for a process
            beside others that answer.

    Raises:
        KeysFileError: the file of the keys cannot be used.
    """
    parts = Parts.of(settings, access, lifecycle, load_first=load_first)
    return enclose(create_api(parts), parts)


def create_api(parts: Parts) -> FastAPI:
    """The paths, what they need as long as the process lives, and the document of them."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        async with (
            open_ledger(parts.settings, parts.metrics) as ledger,
            Engine(
                queue_size=parts.settings.queue_size,
                request_timeout=parts.settings.request_timeout,
                metrics=parts.metrics,
            ) as engine,
            parts.metrics.flushed(),
        ):
            registry = Registry(parts.settings, parts.metrics)
            if parts.load_first:
                await registry.load()
            # Otherwise beside the server: liveness answers while the models are loaded.
            loading = asyncio.create_task(registry.load_until_ready())
            try:
                yield _state(parts, engine, registry, ledger)
            finally:
                loading.cancel()
                if parts.tracing:
                    await asyncio.to_thread(parts.tracing.close)

    app = FastAPIOffline(
        title="Numeral",
        version=version(),
        description=_DESCRIPTION,
        license_info={"name": "MIT", "identifier": "MIT"},
        lifespan=lifespan,
        redirect_slashes=False,
        # Swagger UI would otherwise ask a public server to validate the document.
        swagger_ui_parameters={"validatorUrl": None},
        telemetry=_NO_TELEMETRY,
    )
    for resource in (
        predict,
        fields,
        feedback,
        reviews,
        models,
        health,
        metrics,
        admin,
    ):
        app.include_router(resource.router)
    app.include_router(v2_router)
    page.install(app)
    problems.install(app)
    if parts.access.keys:
        describe_keys(app.openapi(), quotas=parts.access.has_quotas)
    openapi.describe(app, max_batch=parts.settings.max_batch)
    return app


def _state(parts: Parts, engine: Engine, registry: Registry, ledger: "Ledger | None") -> State:
    settings = parts.settings
    return {
        "engine": engine,
        "registry": registry,
        "settings": settings,
        "statistics": StatisticsCollector(),
        "metrics": parts.metrics,
        "held": parts.held,
        "streams": Streams(settings, parts.held),
        "lifecycle": parts.lifecycle,
        "ledger": ledger,
    }
