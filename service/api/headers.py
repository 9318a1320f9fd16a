"""Request headers, read without building an object of all of them."""

from starlette.types import Scope


def header(scope: Scope, name: bytes, default: str = "") -> str:
    """Return the first header called `name`, in lower case as ASGI has them."""
    for key, value in scope["headers"]:
        if key == name:
            return value.decode("latin-1")  # type: ignore[no-any-return]
    return default
