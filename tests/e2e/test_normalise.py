"""`POST /normalise` over a real socket: the picture that a model is shown."""

import base64

import cv2
import httpx
import numpy as np
import pytest

from service.imaging import decode, normalise

PNG = {"Content-Type": "image/png"}


def test_the_answer_is_what_a_model_is_shown(server, seven):
    response = httpx.post(f"{server}/normalise", content=seven, headers=PNG)

    assert response.headers["Content-Type"] == "image/png"
    shown = _pixels(response)
    assert shown.shape == (28, 28)
    assert np.array_equal(shown, normalise(decode(seven, max_pixels=10**6)).image)


def test_what_is_shown_is_read_as_the_picture_is(server, seven):
    shown = httpx.post(f"{server}/normalise", content=seven).content

    read, again = (
        httpx.post(f"{server}/predict{query}", content=content, headers={"X-Request-ID": "same"})
        for query, content in (("", seven), ("?preprocess=none", shown))
    )

    assert again.json() == read.json()


@pytest.mark.parametrize("side", [60, 2000])
def test_a_picture_of_any_size_comes_raw_or_as_a_form(server, draw, side):
    picture = draw(4, side=side)
    raw = httpx.post(f"{server}/normalise", content=picture)

    form = httpx.post(f"{server}/normalise", files={"file": ("four.png", picture)})

    assert form.status_code == 200
    assert form.content == raw.content


def test_a_blank_picture_is_shown_black(server, blank):
    assert not _pixels(httpx.post(f"{server}/normalise", content=blank)).any()


def test_a_picture_that_is_taken_as_it_is_comes_back(server):
    picture = np.arange(784, dtype=np.uint8).reshape(28, 28)
    content = cv2.imencode(".png", picture)[1].tobytes()

    response = httpx.post(f"{server}/normalise?preprocess=none", content=content)

    assert np.array_equal(_pixels(response), picture)


@pytest.mark.parametrize(
    ("query", "content", "kind"),
    [
        ("", b"Dear Sir,", "image/png"),
        ("", b"", "image/png"),
        ("", b"{}", "application/json"),
        ("?model=nobody", b"", "image/png"),
        ("?max_error=2", b"", "image/png"),
        ("?nonsense=1", b"", "image/png"),
        ("?preprocess=none", "seven", "image/png"),
    ],
)
def test_errors_are_those_of_a_prediction(server, seven, query, content, kind):
    content = seven if content == "seven" else content
    headers = {"Content-Type": kind, "X-Request-ID": "same"}
    shown, read = (
        httpx.post(f"{server}/{path}{query}", content=content, headers=headers)
        for path in ("normalise", "predict")
    )

    assert shown.status_code == read.status_code >= 400
    assert shown.headers["Content-Type"] == "application/problem+json"
    assert shown.json() == read.json()


def test_as_json_it_says_what_was_found(server, draw, blank):
    picture = draw(4, side=200)
    seen, nothing = (
        httpx.post(f"{server}/normalise", content=content, headers={"Accept": "application/json"})
        for content in (picture, blank)
    )

    png = httpx.post(f"{server}/normalise", content=picture).content
    assert seen.headers["Content-Type"] == "application/json"
    assert base64.b64decode(seen.json()["image"]) == png
    grey = cv2.imdecode(np.frombuffer(picture, np.uint8), cv2.IMREAD_GRAYSCALE)
    x, y, width, height = cv2.boundingRect(cv2.threshold(grey, 128, 255, cv2.THRESH_BINARY_INV)[1])
    assert seen.json()["box"] == pytest.approx([x, y, width, height], abs=8)
    assert (seen.json()["size"], seen.json()["reasons"]) == ([200, 200], [])
    assert (seen.json()["polarity"], seen.json()["paper"]) == ("dark", "plain")
    assert (nothing.json()["box"], nothing.json()["reasons"]) == (None, ["blank"])


def test_a_client_that_accepts_no_answer_gets_an_error(server, seven):
    response = httpx.post(f"{server}/normalise", content=seven, headers={"Accept": "text/html"})

    assert response.status_code == 406
    assert "the answer is image/png" in response.json()["detail"]


def _pixels(response):
    assert response.status_code == 200, response.text
    return cv2.imdecode(np.frombuffer(response.content, np.uint8), cv2.IMREAD_UNCHANGED)
