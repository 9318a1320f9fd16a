"""`GET /`: the page that a person opens, and the files that it is made of."""

import mimetypes
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request, Response
from starlette.staticfiles import StaticFiles

from service.api.security_headers import PAGE, PAGE_FILES

# Python before 3.14 does not know it.
mimetypes.add_type("font/woff2", ".woff2")

_files = StaticFiles(directory=Path(__file__).parents[1] / "web")
router = APIRouter()


def install(app: FastAPI) -> None:
    """Let `app` serve the page and its files."""
    app.include_router(router)
    app.mount(PAGE_FILES.rstrip("/"), _files)


@router.get(PAGE, include_in_schema=False)
async def show_page(request: Request) -> Response:
    """The page; a browser that has it already is told so."""
    return await _files.get_response("index.html", request.scope)
