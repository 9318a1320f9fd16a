"""Health, metrics, administration, the page for people, and the documentation of the API."""

import asyncio
import mimetypes
from pathlib import Path
from typing import Literal

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.docs import (
    get_redoc_html,
    get_swagger_ui_html,
    get_swagger_ui_oauth2_redirect_html,
)
from pydantic import BaseModel, Field
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

from service.api.dependencies import refuse_while_draining, state_of
from service.api.problems import problem_responses
from service.api.security import DOCS_FILES, PAGE, PAGE_FILES, docs_policy
from service.errors import AdminOff, NotReady, ReloadFailed, ReloadInProgress, Stopping
from service.lifecycle import Reload

# Python before 3.14 lacks this type.
mimetypes.add_type("font/woff2", ".woff2")

# Relative to the pages, which so work under any path prefix of a proxy.
_DOCUMENT = "openapi.json"
_DOCS_FILES = DOCS_FILES.lstrip("/")

_TEXT = {"schema": {"type": "string"}}
_page_files = StaticFiles(directory=Path(__file__).parents[1] / "web")

router = APIRouter()


class Liveness(BaseModel):
    """The process answers."""

    status: Literal["live"] = "live"


class Readiness(BaseModel):
    """Models are loaded and warm."""

    status: Literal["ready"] = "ready"
    models: tuple[str, ...] = Field(description="Names of the models that are served.")
    readers: tuple[str, ...] = Field(description="Names of the served models that read fields.")


@router.get(
    "/health/live",
    tags=["health"],
    operation_id="live",
    summary="Check that the process answers",
    responses=problem_responses(),
)
async def live() -> Liveness:
    """Whether the process answers; true before the models are loaded."""
    return Liveness()


@router.get(
    "/health/ready",
    tags=["health"],
    operation_id="ready",
    summary="Check that pictures can be read",
    responses=problem_responses(NotReady, Stopping),
)
async def ready(request: Request) -> Readiness:
    """Whether to send pictures: models are loaded and warm, and the service is not stopping."""
    refuse_while_draining(request)
    catalogue = state_of(request)["registry"].catalogue
    return Readiness(models=tuple(catalogue.classifiers), readers=tuple(catalogue.readers))


@router.get(
    "/metrics",
    tags=["metrics"],
    operation_id="metrics",
    summary="Read the metrics",
    response_class=Response,
    responses={
        200: {
            "description": "Every metric, summed over all workers",
            "content": {"text/plain": _TEXT, "application/openmetrics-text": _TEXT},
        },
        **problem_responses(),
    },
)
async def metrics(request: Request) -> Response:
    """Requests, times, queue, decisions and models, as Prometheus text or OpenMetrics."""
    accept = request.headers.get("accept", "")
    # In a thread: writing a few hundred series takes milliseconds.
    page, media_type = await asyncio.to_thread(state_of(request)["metrics"].page, accept)
    return Response(page, media_type=media_type)


def require_keys(request: Request) -> None:
    """Raise `AdminOff` without API keys; with keys, `Authentication` has checked the role."""
    if state_of(request).get("caller") is None:
        raise AdminOff(
            "this path requires API keys: make one of the role admin with numeral keys create, and"
            " name its file in NUMERAL_API_KEYS_FILE (models are also reloaded by a SIGHUP)"
        )


@router.post(
    "/admin/reload",
    tags=["admin"],
    operation_id="reload",
    summary="Load the models again",
    responses=problem_responses(AdminOff, ReloadInProgress, ReloadFailed),
)
async def reload(request: Request) -> Reload:
    """Load the models again and serve them in every worker, or keep the old ones in all.

    Running requests finish with the models that they started with.
    """
    require_keys(request)
    reload_all = state_of(request)["lifecycle"].reload or state_of(request)["registry"].reload
    return await reload_all()


@router.get(PAGE, include_in_schema=False)
async def show_page(request: Request) -> Response:
    """Serve the page for people."""
    return await _page_files.get_response("index.html", request.scope)


@router.get("/docs", include_in_schema=False)
async def swagger_ui() -> Response:
    """Serve Swagger UI."""
    return _docs_page(
        get_swagger_ui_html(
            openapi_url=_DOCUMENT,
            title="Numeral - Swagger UI",
            swagger_js_url=f"{_DOCS_FILES}swagger-ui-bundle.js",
            swagger_css_url=f"{_DOCS_FILES}swagger-ui.css",
            swagger_favicon_url=f"{_DOCS_FILES}favicon.png",
            # By default it asks a public server to validate the document.
            swagger_ui_parameters={"validatorUrl": None},
        )
    )


@router.get("/docs/oauth2-redirect", include_in_schema=False)
async def swagger_ui_redirect() -> Response:
    """Serve the redirect page of Swagger UI."""
    return _docs_page(get_swagger_ui_oauth2_redirect_html())


@router.get("/redoc", include_in_schema=False)
async def redoc() -> Response:
    """Serve ReDoc."""
    return _docs_page(
        get_redoc_html(
            openapi_url=_DOCUMENT,
            title="Numeral - ReDoc",
            redoc_js_url=f"{_DOCS_FILES}redoc.standalone.js",
            redoc_favicon_url=f"{_DOCS_FILES}favicon.png",
            with_google_fonts=False,
        )
    )


def install(app: FastAPI) -> None:
    """Add the paths, and the files of the page, to `app`."""
    app.include_router(router)
    app.mount(PAGE_FILES.rstrip("/"), _page_files)


def _docs_page(page: HTMLResponse) -> Response:
    page.headers["Content-Security-Policy"] = docs_policy(bytes(page.body))
    return page
