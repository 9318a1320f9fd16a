"""What each path requires of a caller, and what it allows browsers to do with its response."""

import re
from base64 import b64encode
from hashlib import sha256

from service.auth.api_keys import Role

RawHeaders = tuple[tuple[bytes, bytes], ...]

PAGE = "/"
PAGE_FILES = "/page/"
DOCS_FILES = "/static-offline-docs/"
DOCS_PAGES = frozenset({"/docs", "/docs/oauth2-redirect", "/redoc"})

# Monitoring and documentation require no key. Every other path does, unknown ones included: a new
# path requires a key until it is named here.
_OPEN = frozenset({PAGE, *DOCS_PAGES, "/openapi.json", "/problems"})
_OPEN_FOLDERS = ("/health/", PAGE_FILES, "/problems/", DOCS_FILES, "/v2/health/")
_ADMIN = ("/admin", "/reviews")
_METRICS = "/metrics"

_NO_SNIFFING = (b"x-content-type-options", b"nosniff")

# Responses are data, which browsers must not run, frame or store. Not one header more: five cost as
# much to write as a picture to decode.
_DATA_HEADERS: RawHeaders = (
    _NO_SNIFFING,
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
# Browsers may keep files, which have an ETag.
_FILE_HEADERS: RawHeaders = (
    _NO_SNIFFING,
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cache-control", b"no-cache"),
)
# The page shows pictures that were chosen on it (blob:), and needs nothing from elsewhere.
_PAGE_HEADERS: RawHeaders = (
    *_FILE_HEADERS,
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self';"
        b" img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none';"
        b" frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    ),
)
# Swagger UI and ReDoc write styles as they draw, and bring their icons with them. ReDoc searches in
# a worker of its own, and fetches the examples, which are data URLs.
_DOCS_POLICY = (
    "default-src 'none'; script-src {scripts}; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; font-src data:; connect-src 'self' data:; worker-src blob:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def role_for(path: str) -> Role | None:
    """Return the role that `path` requires; None for an open path."""
    if path in _OPEN or path.startswith(_OPEN_FOLDERS):
        return None
    if path.startswith(_ADMIN):
        return Role.ADMIN
    return Role.METRICS if path == _METRICS else Role.PREDICT


def headers_for(path: str) -> RawHeaders:
    """Return the security headers of every response for `path`."""
    if path == PAGE:
        return _PAGE_HEADERS
    if path in DOCS_PAGES or path.startswith((DOCS_FILES, PAGE_FILES)):
        return _FILE_HEADERS
    return _DATA_HEADERS


def docs_policy(page: bytes) -> str:
    """Return the Content-Security-Policy of a docs page: only the scripts in it now may run."""
    hashes = [b64encode(sha256(script).digest()) for script in _INLINE_SCRIPT.findall(page)]
    scripts = ["'self'", *(f"'sha256-{value.decode()}'" for value in hashes)]
    return _DOCS_POLICY.format(scripts=" ".join(scripts))
