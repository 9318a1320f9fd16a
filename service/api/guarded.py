"""Which paths are guarded once there are keys, and what a key needs for them."""

from service.api.security_headers import PAGE, PAGE_FILES
from service.auth.api_keys import Role

# Whoever watches the service or reads about it needs no key. Every other path does, also one that
# does not exist yet: a new one is guarded until it is named here.
_OPEN = frozenset({PAGE, "/docs", "/docs/oauth2-redirect", "/redoc", "/openapi.json", "/problems"})
_OPEN_FOLDERS = ("/health/", PAGE_FILES, "/problems/", "/static-offline-docs/", "/v2/health/")
_ADMIN = ("/admin", "/reviews")
_METRICS = "/metrics"


def role_for(path: str) -> Role | None:
    """The role that `path` asks for; None where it is open."""
    if path in _OPEN or path.startswith(_OPEN_FOLDERS):
        return None
    if path.startswith(_ADMIN):
        return Role.ADMIN
    return Role.METRICS if path == _METRICS else Role.PREDICT
