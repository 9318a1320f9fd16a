"""`POST /predict` over a real socket."""

import cv2
import httpx
import numpy as np
import pytest

from models.manifest import PACKAGE_DIRECTORY, load_manifest
from service.imaging import decode, normalise
from service.inference.sessions import open_classifier

MODELS = [card.name for card in load_manifest(PACKAGE_DIRECTORY).models]


@pytest.mark.parametrize("model", MODELS)
def test_every_model_reads_a_raw_picture(server, seven, model):
    response = httpx.post(
        f"{server}/predict",
        params={"model": model},
        content=seven,
        headers={"Content-Type": "image/png"},
    )

    assert response.status_code == 200
    prediction = response.json()
    assert prediction["model"] == model
    assert prediction["digit"] == 7
    assert len(prediction["probabilities"]) == 10
    assert prediction["confidence"] == max(prediction["probabilities"])


@pytest.mark.parametrize("model", MODELS)
def test_every_model_reads_a_form(server, seven, model):
    response = httpx.post(f"{server}/predict", params={"model": model}, files={"file": seven})

    assert response.status_code == 200
    assert response.json()["digit"] == 7


@pytest.mark.parametrize("model", MODELS)
def test_the_answer_is_what_the_onnx_file_says(server, draw, model):
    [card] = [card for card in load_manifest(PACKAGE_DIRECTORY).models if card.name == model]
    picture = draw(4)
    image = normalise(decode(picture, max_pixels=10**6)).image
    expected = open_classifier(PACKAGE_DIRECTORY, card).run(image[np.newaxis])

    prediction = _predict(server, picture, model=model)

    assert prediction["version"] == card.version
    assert prediction["probabilities"] == pytest.approx(expected.probabilities[0], abs=1e-5)


def test_form_and_raw_body_give_the_same_answer(server, draw):
    picture = draw(3)

    in_form = httpx.post(f"{server}/predict", files={"file": ("3.png", picture)}).json()

    assert in_form == _predict(server, picture)


@pytest.mark.parametrize(
    ("suffix", "media_type"),
    [
        (".png", "image/png"),
        (".jpg", "image/jpeg"),
        (".bmp", "image/bmp"),
        (".webp", "image/webp"),
        (".tiff", "image/tiff"),
        (".png", "application/octet-stream"),
        (".png", "IMAGE/PNG; name=digit"),
        (".jpg", "image/png"),
    ],
)
def test_the_bytes_say_what_the_format_is(server, draw, suffix, media_type):
    response = httpx.post(
        f"{server}/predict",
        content=draw(7, suffix=suffix),
        headers={"Content-Type": media_type},
    )

    assert response.json()["digit"] == 7


def test_a_body_without_content_type_is_taken_as_a_picture(server, seven):
    request = httpx.Request("POST", f"{server}/predict", content=seven)
    request.headers.pop("content-type", None)

    with httpx.Client() as client:
        assert client.send(request).json()["digit"] == 7


def test_a_form_field_without_file_name_is_read(server, seven):
    boundary = "b"
    body = b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\n' + seven + b"\r\n--b--\r\n"

    response = httpx.post(
        f"{server}/predict",
        content=body,
        headers={"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )

    assert response.json()["digit"] == 7


def test_a_blank_picture_has_no_digit(server, blank):
    prediction = _predict(server, blank)

    assert prediction["digit"] is None
    assert prediction["confidence"] == 0
    assert prediction["probabilities"] == [0] * 10
    assert prediction["decision"] == "review"
    assert prediction["reasons"] == ["blank"]


def test_preprocess_none_shows_the_model_the_picture_as_it_is(server, rng_image):
    png = cv2.imencode(".png", rng_image)[1].tobytes()
    [card] = [card for card in load_manifest(PACKAGE_DIRECTORY).models if card.name == "mlp"]
    expected = open_classifier(PACKAGE_DIRECTORY, card).run(rng_image[np.newaxis])

    prediction = _predict(server, png, model="mlp", preprocess="none")

    assert prediction["probabilities"] == pytest.approx(expected.probabilities[0], abs=1e-5)


def test_a_stricter_error_rate_needs_a_higher_confidence(server, draw):
    points = httpx.get(f"{server}/models/lenet5").json()["operating_points"]
    offered = [point for point in points if point["threshold"] is not None]
    picture = draw(7)

    for point in offered:
        prediction = _predict(server, picture, model="lenet5", max_error=point["max_error"])
        accepted = prediction["confidence"] >= point["threshold"]
        assert prediction["decision"] == ("accept" if accepted else "review")
        assert prediction["reasons"] == ([] if accepted else ["low_confidence"])


def test_head_answers_like_get_without_a_body(server):
    response = httpx.head(f"{server}/models")

    assert response.status_code == 200
    assert response.content == b""


@pytest.fixture
def rng_image():
    return np.random.default_rng(5).integers(0, 256, (28, 28), np.uint8)


def _predict(server, picture, **wishes):
    response = httpx.post(f"{server}/predict", params=wishes, content=picture)
    assert response.status_code == 200, response.text
    return response.json()
