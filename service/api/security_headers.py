"""Headers that tell browsers how little they may do with an answer. Encoded once, for speed."""

import re
from base64 import b64encode
from hashlib import sha256

RawHeaders = tuple[tuple[bytes, bytes], ...]

_NO_SNIFFING = (b"x-content-type-options", b"nosniff")

# Answers are data: nothing in them is to be run, loaded, framed or kept. Not one header more: the
# server takes as long to check and write five of them as to decode a picture.
SECURITY_HEADERS: RawHeaders = (
    _NO_SNIFFING,
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)

_COMMON: RawHeaders = (
    _NO_SNIFFING,
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
)

# Scripts and styles of pages, which browsers may keep: StaticFiles gives them an ETag.
_ASSETS = "/static-offline-docs/"
_ASSET_HEADERS: RawHeaders = (*_COMMON, (b"cache-control", b"no-cache"))

# The page for people, and the files that it is made of: it needs nothing else, writes no markup,
# and shows pictures that were chosen on it (blob:).
PAGE = "/"
PAGE_FILES = "/page/"
_PAGE_HEADERS: RawHeaders = (
    *_ASSET_HEADERS,
    (
        b"content-security-policy",
        b"default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self';"
        b" img-src 'self' blob:; connect-src 'self'; base-uri 'none'; form-action 'none';"
        b" frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
    ),
)

PAGES = frozenset({"/docs", "/docs/oauth2-redirect", "/redoc"})

# Swagger UI and ReDoc write styles into the page as they draw, and carry their icons with them.
# ReDoc searches in a worker that it makes itself, and fetches the examples, which are data URLs.
# Scripts are files of the service, or stand in the page and are known by their hash.
_DOCUMENT_POLICY = (
    "default-src 'none'; script-src {scripts}; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data:; font-src data:; connect-src 'self' data:; worker-src blob:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def headers_for(path: str) -> RawHeaders:
    """What the answer to a request for `path` is to carry; a page has headers of its own."""
    if path in PAGES:
        return ()
    if path == PAGE:
        return _PAGE_HEADERS
    return _ASSET_HEADERS if path.startswith((_ASSETS, PAGE_FILES)) else SECURITY_HEADERS


def headers_of_page(page: bytes) -> RawHeaders:
    """What the HTML `page` is to carry: of the scripts in it, those may run that it has now."""
    hashes = [b64encode(sha256(script).digest()) for script in _INLINE_SCRIPT.findall(page)]
    scripts = " ".join(["'self'", *(f"'sha256-{value.decode()}'" for value in hashes)])
    policy = _DOCUMENT_POLICY.format(scripts=scripts).encode()
    return (*_COMMON, (b"content-security-policy", policy), (b"cache-control", b"no-cache"))
