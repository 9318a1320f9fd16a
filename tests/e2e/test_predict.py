"""`POST /predict` over a real socket."""

import base64
import itertools

import cv2
import httpx
import numpy as np
import pytest

from models.manifest import PACKAGE_DIRECTORY, load_manifest
from service.imaging import decode, normalise
from service.inference.sessions import open_classifier
from tests.generated import drawn_digits

CARDS = load_manifest(PACKAGE_DIRECTORY).models
MODELS = [card.name for card in CARDS]


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


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_the_answer_is_what_the_onnx_file_says(server, draw, card):
    picture = draw(4)
    image = normalise(decode(picture, max_pixels=10**6)).image
    expected = open_classifier(PACKAGE_DIRECTORY, card).run(image[np.newaxis])

    prediction = _predict(server, picture, model=card.name)

    assert prediction["version"] == card.version
    assert prediction["probabilities"] == pytest.approx(expected.probabilities[0], abs=1e-5)


def test_form_and_raw_body_give_the_same_answer(server, draw):
    picture = draw(3)

    in_form = httpx.post(f"{server}/predict", files={"file": ("3.png", picture)}).json()
    raw = _predict(server, picture)

    assert in_form | {"request_id": raw["request_id"]} == raw


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


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".bmp", ".webp", ".tiff"])
def test_a_file_without_file_name_in_a_form_is_read(server, seven, suffix):
    # Half as light, a BMP file consists of ASCII characters.
    pixels = cv2.imdecode(np.frombuffer(seven, np.uint8), cv2.IMREAD_GRAYSCALE) // 2
    dark = cv2.imencode(suffix, pixels)[1].tobytes()

    response = httpx.post(f"{server}/predict", files={"file": (None, dark)})

    assert response.json()["digit"] == 7


@pytest.mark.parametrize("path", ["/predict", "/fields", "/normalise"])
def test_a_picture_may_be_base64_in_json_or_a_data_url_in_a_form(server, seven, path):
    url = f"{server}{path}"
    as_base64 = base64.b64encode(seven).decode()
    data_url = f"data:image/png;base64,{as_base64}"

    raw, *others = (
        httpx.post(url, headers={"X-Request-ID": "same"}, **body)
        for body in (
            {"content": seven},
            {"json": {"image": as_base64}},
            {"json": {"image": data_url}},
            {"files": {"file": (None, data_url)}},
        )
    )

    assert raw.status_code == 200
    assert [other.content for other in others] == [raw.content] * 3


def test_data_urls_are_read_in_a_form_with_several_fields(server, seven):
    data_url = f"data:image/png;base64,{base64.b64encode(seven).decode()}"
    texts = (data_url, "data:,", "x.png")

    answer = httpx.post(
        f"{server}/predict/batch", files=[("files", (None, text)) for text in texts]
    ).json()

    read, empty, name = answer["predictions"]
    assert read["digit"] == 7
    assert empty["error"]["type"] == "/problems/unreadable-image"
    assert "-F files=@x.png" in name["error"]["detail"]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("x.png", "curl -F file=@x.png"),
        ("é.png", "curl -F file=@é.png"),
        ("data:image/png;base64", "comma"),
        ("data:image/png;base64,é", "not valid Base64"),
        ("<svg></svg>" * 100, "not valid Base64"),
    ],
)
def test_a_form_field_with_other_text_is_an_error_that_says_what_to_send(server, text, says):
    answer = httpx.post(f"{server}/predict", files={"file": (None, text)})

    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-item")
    assert says in answer.json()["detail"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/predict", "file"),
        ("/fields", "file"),
        ("/normalise", "file"),
        ("/predict/batch", "files"),
        ("/fields/batch", "files"),
    ],
)
def test_answers_have_the_id_of_their_request(server, seven, path, field):
    as_json = {"Accept": "application/json"}
    answer = httpx.post(f"{server}{path}", files={field: seven}, headers=as_json)

    assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


def test_a_blank_picture_has_no_digit(server, blank):
    prediction = _predict(server, blank)

    assert prediction["digit"] is None
    assert prediction["confidence"] == 0
    assert prediction["probabilities"] == [0] * 10
    assert prediction["decision"] == "review"
    assert prediction["reasons"] == ["blank"]


def test_preprocess_none_shows_the_model_the_picture_as_it_is(server, rng_image):
    png = cv2.imencode(".png", rng_image)[1].tobytes()
    expected = open_classifier(PACKAGE_DIRECTORY, CARDS[0]).run(rng_image[np.newaxis])

    prediction = _predict(server, png, model=CARDS[0].name, preprocess="none")

    assert prediction["probabilities"] == pytest.approx(expected.probabilities[0], abs=1e-5)


def test_a_doubtful_digit_is_accepted_or_for_review_as_the_caller_asks(server):
    offered = [point for point in CARDS[0].operating_points if point.threshold is not None]
    strict, *_, lenient = sorted(offered, key=lambda point: point.max_error)
    picture = _doubtful_digit(CARDS[0], above=lenient.threshold, below=strict.threshold)

    def prediction(point):
        return _predict(
            server, picture, model=CARDS[0].name, preprocess="none", max_error=point.max_error
        )

    assert prediction(lenient)["decision"] == "accept"
    assert prediction(lenient)["reasons"] == []
    assert prediction(strict)["decision"] == "review"
    assert prediction(strict)["reasons"] == ["low_confidence"]


def test_head_answers_like_get_without_a_body(server):
    response = httpx.head(f"{server}/models")

    assert response.status_code == 200
    assert response.content == b""


@pytest.fixture
def rng_image():
    return np.random.default_rng(5).integers(0, 256, (28, 28), np.uint8)


def _doubtful_digit(card, *, above, below):
    """A PNG of which `card`'s model is about as sure as the middle of two confidences."""
    # From one digit to another the model goes through every doubt between them.
    digits = drawn_digits(10, seed=3).images.astype(np.float32)
    shares = np.linspace(0, 1, 65)[:64, np.newaxis, np.newaxis]
    classifier = open_classifier(PACKAGE_DIRECTORY, card)
    best, distance = None, np.inf
    for first, second in itertools.permutations(digits, 2):
        blends = ((1 - shares) * first + shares * second).astype(np.uint8)
        distances = abs(classifier.run(blends).probabilities.max(axis=1) - (above + below) / 2)
        if distances.min() < distance:
            best, distance = blends[distances.argmin()], distances.min()
    assert distance < (below - above) / 4
    return cv2.imencode(".png", best)[1].tobytes()


def _predict(server, picture, **options):
    response = httpx.post(f"{server}/predict", params=options, content=picture)
    assert response.status_code == 200, response.text
    return response.json()
