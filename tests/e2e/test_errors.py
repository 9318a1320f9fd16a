"""Every error path over a real socket: the status, the problem, and that its detail helps."""

import base64
import json
import struct
import zlib

import httpx
import pytest

from models.manifest import MANIFEST_NAME, PACKAGE_DIRECTORY, load_manifest

CARDS = load_manifest(PACKAGE_DIRECTORY).models
MEBIBYTE = 1024 * 1024
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
JSON = {"Content-Type": "application/json"}
UNNAMED_PART = b"--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--"
UNFINISHED_PART = b'--b\r\nContent-Disposition: form-data; name="file"\r\n'
PREDICT, BATCH = "/predict", "/predict/batch"


def png_header(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )


def chunks_of_17_mebibytes():
    yield from (bytes(MEBIBYTE) for _ in range(17))


# A path, what is posted to it, the status, the slug, and what the detail says.
ERRORS = {
    "no picture": (PREDICT, {"content": b"no picture"}, 422, "unsupported-format", ""),
    "empty body": (PREDICT, {"content": b""}, 422, "unreadable-image", "empty"),
    "empty file": (PREDICT, {"files": {"file": b""}}, 422, "unreadable-image", "empty"),
    "many pixels": (
        *(PREDICT, {"content": png_header(10_000, 10_000)}),
        *(413, "picture-too-large", "10000 x 10000"),
    ),
    "announces too much": (
        PREDICT,
        {"content": bytes(16 * MEBIBYTE + 1)},
        413,
        "body-too-large",
        "",
    ),
    "grows too large": (PREDICT, {"content": chunks_of_17_mebibytes}, 413, "body-too-large", ""),
    "other field": (PREDICT, {"files": {"picture": b"x"}}, 422, "invalid-request", "'file'"),
    "options in the form": (
        *(PREDICT, {"files": {"file": b"x"}, "data": {"model": "mlp"}}),
        *(422, "invalid-request", "query"),
    ),
    "several files": (
        *(PREDICT, {"files": [("file", b"x"), ("file", b"x")]}),
        *(422, "invalid-request", BATCH),
    ),
    **{
        f"form without files to {path}": (
            *(path, {"content": b"--b--\r\n", "headers": FORM}),
            *(422, "invalid-request", "no file"),
        )
        for path in (PREDICT, BATCH)
    },
    **{
        f"malformed form {number}": (
            *(PREDICT, {"content": body, "headers": headers}),
            *(400, "malformed-body", ""),
        )
        for number, (headers, body) in enumerate(
            [
                ({"Content-Type": "multipart/form-data"}, b"--b--\r\n"),
                *((FORM, body) for body in (b"", b"no boundary", UNNAMED_PART, UNFINISHED_PART)),
            ]
        )
    },
    **{
        f"{media_type} to {path}": (
            *(path, {"content": b"x", "headers": {"Content-Type": media_type}}),
            *(415, "unsupported-media-type", media_type),
        )
        for path, media_type in [
            (PREDICT, "application/x-www-form-urlencoded"),
            (PREDICT, "text/plain"),
            (BATCH, "image/png"),
        ]
    },
    **{
        f"unknown model for {path}": (
            *(path, {"params": {"model": "vgg"}, "files": {"file": b"x"}}),
            *(404, "unknown-model", "'vgg'"),
        )
        for path in (PREDICT, BATCH)
    },
    **{
        f"{name}={value}": (
            *(PREDICT, {"params": {name: value}, "content": b"x"}),
            *(422, "invalid-request", f"{name}: {what}"),
        )
        for name, value, what in [
            *(
                ("max_error", value, "must be a number from 0 to 1")
                for value in ("2", "-0.1", "nan", "low", "0_1", " 0.1", "+0.1")
            ),
            ("preprocess", "always", "must be one of auto, none"),
            ("maxerror", "0.01", "is not known"),
        ]
    },
    "repeated parameter": (
        f"{PREDICT}?model=a&model=b",
        {},
        422,
        "invalid-request",
        "more than once",
    ),
    "unsupported error rate": (
        *(PREDICT, {"params": {"max_error": 1e-9}, "content": b"x"}),
        *(422, "unsupported-max-error", "0.001"),
    ),
    "text/csv accepted": (PREDICT, {"headers": {"Accept": "text/csv"}}, 406, "not-acceptable", ""),
    "too many files": (
        *(BATCH, {"files": [("files", (f"{index}.png", b"x")) for index in range(1025)]}),
        *(413, "batch-too-large", "1024"),
    ),
    "too many images": (
        *(BATCH, {"json": {"images": ["eA=="] * 1025}}),
        *(413, "batch-too-large", "1025"),
    ),
    **{
        f"not JSON: {body}": (BATCH, {"content": body, "headers": JSON}, 400, "malformed-body", "")
        for body in (b"", b"{", b'{"images": ["]}', b"\xff\xfe")
    },
    **{
        f"other JSON: {body}": (BATCH, {"json": body}, 422, "invalid-request", f"{where}: ")
        for body, where in [
            ({}, "images"),
            ([], "body"),
            ({"images": []}, "images"),
            ({"images": "eA=="}, "images"),
            ({"images": ["eA=="], "model": "mlp"}, "model"),
        ]
    },
}


@pytest.mark.parametrize(
    ("path", "posted", "status", "slug", "detail"), ERRORS.values(), ids=ERRORS
)
def test_a_request_is_refused(server, path, posted, status, slug, detail):
    if callable(posted.get("content")):
        posted = posted | {"content": posted["content"]()}

    problem = _expect(httpx.post(f"{server}{path}", **posted, timeout=60), status, slug)

    assert detail in problem["detail"]
    if slug == "invalid-request":
        assert all(fault["where"] and fault["what"] for fault in problem["errors"])


def test_a_damaged_picture(server, seven):
    response = httpx.post(f"{server}{PREDICT}", content=seven[: len(seven) // 2])

    _expect(response, 422, "unreadable-image")


def test_an_unknown_model_is_answered_with_the_known_ones(server, seven):
    response = httpx.post(f"{server}{PREDICT}", params={"model": "vgg"}, content=seven)

    detail = _expect(response, 404, "unknown-model")["detail"]
    assert all(card.name in detail for card in CARDS)
    _expect(httpx.get(f"{server}/models/vgg"), 404, "unknown-model")


def test_an_error_rate_that_the_model_was_not_shown_to_keep(app_client, models_copy, seven):
    manifest = models_copy / MANIFEST_NAME
    content = json.loads(manifest.read_text())
    card = content["models"][0]
    strictest = min(card["operating_points"], key=lambda point: point["max_error"])
    strictest["threshold"] = None
    manifest.write_text(json.dumps(content))
    options = {"model": card["name"], "max_error": strictest["max_error"]}

    response = app_client(models_dir=models_copy).post(PREDICT, params=options, content=seven)

    problem = _expect(response, 422, "unsupported-max-error")
    assert f"{card['name']} was not shown to keep" in problem["detail"]


def test_preprocess_none_for_another_size(server, seven):
    response = httpx.post(f"{server}{PREDICT}", params={"preprocess": "none"}, content=seven)

    assert "28 x 28" in _expect(response, 422, "unreadable-image")["detail"]


@pytest.mark.parametrize("accept", ["text/html", "image/png, text/*", "application/json;q=0"])
@pytest.mark.parametrize("path", ["/models", f"/models/{CARDS[0].name}"])
def test_an_answer_that_the_client_does_not_accept(server, accept, path):
    _expect(httpx.get(f"{server}{path}", headers={"Accept": accept}), 406, "not-acceptable")


def test_an_unknown_path(server):
    _expect(httpx.get(f"{server}/predictions"), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [("GET", "/predict", "POST"), ("HEAD", "/predict", "POST"), ("DELETE", "/models", "GET, HEAD")],
)
def test_another_method(server, method, path, allowed):
    response = httpx.request(method, f"{server}{path}")

    assert response.status_code == 405
    assert response.headers["Allow"] == allowed
    if method != "HEAD":
        _expect(response, 405, "method-not-allowed")


def test_what_is_wrong_with_a_body_does_not_repeat_it(server, seven):
    image = base64.b64encode(seven).decode()

    response = httpx.post(f"{server}{BATCH}", json={"images": {"image": image}})

    _expect(response, 422, "invalid-request")
    assert image[:40] not in response.text


def test_every_problem_type_is_explained(server):
    for kind in httpx.get(f"{server}/problems").json()["problems"]:
        response = httpx.get(f"{server}{kind['type']}")
        assert response.status_code == 200
        assert response.json() == kind


def _expect(response, status, slug):
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    problem = response.json()
    assert problem["type"] == f"/problems/{slug}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert problem["request_id"] == response.headers["X-Request-ID"]
    return problem
