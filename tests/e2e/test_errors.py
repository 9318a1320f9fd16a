"""Every error path over a real socket: the status, the problem, and that it helps."""

import base64
import json
import struct
import zlib

import httpx
import pytest

from models.manifest import MANIFEST_NAME, PACKAGE_DIRECTORY, load_manifest

CARDS = load_manifest(PACKAGE_DIRECTORY).models


def test_an_unreadable_picture(server):
    _expect(_post(server, b"no picture at all"), 422, "unsupported-format")


def test_a_damaged_picture(server, seven):
    _expect(_post(server, seven[: len(seven) // 2]), 422, "unreadable-image")


def test_an_empty_body(server):
    problem = _expect(_post(server, b""), 422, "unreadable-image")
    assert "empty" in problem["detail"]


def test_an_empty_file(server):
    response = httpx.post(f"{server}/predict", files={"file": ("empty.png", b"")})

    problem = _expect(response, 422, "unreadable-image")
    assert "empty" in problem["detail"]


def test_another_form_field(server, seven):
    problem = _expect(
        httpx.post(f"{server}/predict", files={"picture": seven}), 422, "invalid-request"
    )

    assert problem["errors"][0]["where"] == "picture"
    assert "'file'" in problem["detail"]


def test_wishes_in_the_form(server, seven):
    response = httpx.post(f"{server}/predict", files={"file": seven}, data={"model": "mlp"})

    problem = _expect(response, 422, "invalid-request")
    assert "query" in problem["detail"]


def test_several_files(server, seven):
    response = httpx.post(f"{server}/predict", files=[("file", seven), ("file", seven)])

    problem = _expect(response, 422, "invalid-request")
    assert "/predict/batch" in problem["detail"]


@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_a_form_without_files(server, path):
    response = httpx.post(
        f"{server}{path}",
        content=b"--b--\r\n",
        headers={"Content-Type": "multipart/form-data; boundary=b"},
    )

    problem = _expect(response, 422, "invalid-request")
    assert "no file" in problem["detail"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", b"--b--\r\n"),
        ("multipart/form-data; boundary=b", b""),
        ("multipart/form-data; boundary=b", b"no boundary"),
        (
            "multipart/form-data; boundary=b",
            b"--b\r\nContent-Disposition: form-data\r\n\r\n1\r\n--b--",
        ),
        (
            "multipart/form-data; boundary=b",
            b'--b\r\nContent-Disposition: form-data; name="file"\r\n',
        ),
    ],
)
def test_a_malformed_form(server, content_type, body):
    response = httpx.post(f"{server}/predict", content=body, headers={"Content-Type": content_type})

    _expect(response, 400, "malformed-body")


@pytest.mark.parametrize(
    ("path", "content_type"),
    [
        ("/predict", "application/x-www-form-urlencoded"),
        ("/predict", "application/json"),
        ("/predict", "text/plain"),
        ("/predict/batch", "image/png"),
    ],
)
def test_another_content_type(server, seven, path, content_type):
    response = httpx.post(f"{server}{path}", content=seven, headers={"Content-Type": content_type})

    problem = _expect(response, 415, "unsupported-media-type")
    assert content_type in problem["detail"]


@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_an_unknown_model(server, seven, path):
    response = httpx.post(f"{server}{path}", params={"model": "vgg"}, files={"file": seven})

    problem = _expect(response, 404, "unknown-model")
    assert "'vgg'" in problem["detail"]
    assert all(card.name in problem["detail"] for card in CARDS)


def test_the_card_of_an_unknown_model(server):
    _expect(httpx.get(f"{server}/models/vgg"), 404, "unknown-model")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_error", "2"),
        ("max_error", "-0.1"),
        ("max_error", "nan"),
        ("max_error", "low"),
        ("preprocess", "always"),
        ("maxerror", "0.01"),
    ],
)
def test_a_bad_parameter(server, seven, name, value):
    response = httpx.post(f"{server}/predict", params={name: value}, content=seven)

    problem = _expect(response, 422, "invalid-request")
    assert [fault["where"] for fault in problem["errors"]] == [name]


def test_a_repeated_parameter(server, seven):
    response = httpx.post(f"{server}/predict?model=a&model=b", content=seven)

    _expect(response, 422, "invalid-request")


def test_an_error_rate_that_no_model_promises(server, seven):
    response = httpx.post(f"{server}/predict", params={"max_error": 1e-9}, content=seven)

    problem = _expect(response, 422, "unsupported-max-error")
    assert "0.001" in problem["detail"]


def test_an_error_rate_that_the_model_was_not_shown_to_keep(start, models_copy, seven):
    manifest = models_copy / MANIFEST_NAME
    content = json.loads(manifest.read_text())
    card = content["models"][0]
    strictest = min(card["operating_points"], key=lambda point: point["max_error"])
    strictest["threshold"] = None
    manifest.write_text(json.dumps(content))
    service = start(models_dir=models_copy)
    service.wait_until_ready()
    wishes = {"model": card["name"], "max_error": strictest["max_error"]}

    response = httpx.post(f"{service.url}/predict", params=wishes, content=seven)

    problem = _expect(response, 422, "unsupported-max-error")
    assert f"{card['name']} was not shown to keep" in problem["detail"]


def test_preprocess_none_on_another_size(server, seven):
    response = httpx.post(f"{server}/predict", params={"preprocess": "none"}, content=seven)

    problem = _expect(response, 422, "unreadable-image")
    assert "28 x 28" in problem["detail"]


@pytest.mark.parametrize("accept", ["text/html", "image/png, text/*", "application/json;q=0"])
@pytest.mark.parametrize("path", ["/models", f"/models/{CARDS[0].name}"])
def test_an_answer_that_the_caller_does_not_take(server, accept, path):
    _expect(httpx.get(f"{server}{path}", headers={"Accept": accept}), 406, "not-acceptable")


def test_a_prediction_that_the_caller_does_not_take(server, seven):
    response = httpx.post(f"{server}/predict", content=seven, headers={"Accept": "text/csv"})

    _expect(response, 406, "not-acceptable")


def test_another_path(server):
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


def test_a_picture_with_too_many_pixels(server):
    problem = _expect(_post(server, _png_header(10_000, 10_000)), 413, "picture-too-large")

    assert "10000 x 10000" in problem["detail"]


def test_a_body_that_says_it_is_too_large(server):
    response = _post(server, b"\0" * (16 * 1024 * 1024 + 1))

    _expect(response, 413, "body-too-large")


def test_a_body_that_grows_too_large(server):
    mebibyte = b"\0" * 1024 * 1024
    response = httpx.post(f"{server}/predict", content=(mebibyte for _ in range(17)))

    _expect(response, 413, "body-too-large")


def test_a_batch_with_too_many_files(server):
    files = [("files", (f"{index}.png", b"x")) for index in range(1025)]

    problem = _expect(httpx.post(f"{server}/predict/batch", files=files), 413, "batch-too-large")
    assert "1024" in problem["detail"]


def test_a_batch_with_too_many_images(server):
    response = httpx.post(f"{server}/predict/batch", json={"images": ["eA=="] * 1025})

    problem = _expect(response, 413, "batch-too-large")
    assert "1025" in problem["detail"]


@pytest.mark.parametrize("body", [b"", b"{", b'{"images": ["]}', b"\xff\xfe"])
def test_a_batch_that_is_not_json(server, body):
    response = httpx.post(
        f"{server}/predict/batch", content=body, headers={"Content-Type": "application/json"}
    )

    _expect(response, 400, "malformed-body")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "images"),
        ([], "body"),
        ({"images": []}, "images"),
        ({"images": "eA=="}, "images"),
        ({"images": ["eA=="], "model": "mlp"}, "model"),
    ],
)
def test_a_batch_of_another_shape(server, body, where):
    problem = _expect(httpx.post(f"{server}/predict/batch", json=body), 422, "invalid-request")

    assert problem["errors"][0]["where"].startswith(where)


def test_what_is_wrong_with_a_body_does_not_repeat_it(server, seven):
    image = base64.b64encode(seven).decode()

    response = httpx.post(f"{server}/predict/batch", json={"images": {"image": image}})

    _expect(response, 422, "invalid-request")
    assert image[:40] not in response.text


def test_every_problem_type_is_explained(server):
    for kind in httpx.get(f"{server}/problems").json()["problems"]:
        response = httpx.get(f"{server}{kind['type']}")
        assert response.status_code == 200
        assert response.json() == kind


def _post(server, body):
    return httpx.post(f"{server}/predict", content=body, headers={"Content-Type": "image/png"})


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


def _png_header(width, height):
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"")), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
