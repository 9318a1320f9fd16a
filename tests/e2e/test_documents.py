"""Documents over a real socket: PDF, TIFF, HEIC, AVIF."""

import base64
from io import BytesIO

import cv2
import httpx
import numpy as np
import pytest

from tests.imaging.documents import document, from_bytes, groups_of_groups


@pytest.mark.parametrize(
    ("file_format", "media_type"),
    [
        ("PDF", "application/pdf"),
        ("TIFF", "image/tiff"),
        ("HEIF", "image/heic"),
        ("AVIF", "image/avif"),
    ],
)
def test_documents_are_read(server, draw, file_format, media_type):
    file = document([from_bytes(draw(7))], file_format)
    headers = {"Content-Type": media_type}

    answer = httpx.post(f"{server}/predict", content=file, headers=headers)
    in_form = httpx.post(f"{server}/predict", files={"file": file})
    second = httpx.post(f"{server}/predict?page=2", content=file, headers=headers)

    assert answer.json()["digit"] == in_form.json()["digit"] == 7
    assert second.status_code == 422
    assert second.json()["type"] == "/problems/unreadable-image"
    assert second.json()["detail"] == "there is no page 2; the file has 1"


@pytest.mark.parametrize("file_format", ["PDF", "TIFF"])
def test_a_page_is_read_everywhere_by_its_number(server, draw, file_format):
    file = document([from_bytes(draw(digit)) for digit in (7, 4)], file_format)
    images = [base64.b64encode(each).decode() for each in (file, draw(7))]

    def post(path, **body):
        return httpx.post(f"{server}/{path}", params={"page": 2}, **body)

    batch = post("predict/batch", json={"images": images}).json()["predictions"]
    shown = cv2.imdecode(np.frombuffer(post("normalise", content=file).content, np.uint8), 0)
    assert post("predict", content=file).json()["digit"] == batch[0]["digit"] == 4
    assert batch[1]["error"]["detail"] == "there is no page 2; of a PNG, only page 1 is read"
    assert shown.shape == (28, 28)
    assert post("fields", content=file).status_code == 200
    array = BytesIO()
    np.save(array, np.zeros((1, 28, 28), np.uint8))
    headers = {"Content-Type": "application/x-npy"}
    npy = post("predict/batch", content=array.getvalue(), headers=headers).json()
    assert npy["predictions"][0]["error"]["detail"] == "there is no page 2; an array has none"


@pytest.mark.parametrize("page", ["0", "201", "first", "1_0", "1.0", " 1", "+1", "\u0661"])
def test_a_page_is_a_number_from_1(server, seven, page):
    answer = httpx.post(f"{server}/predict", params={"page": page}, content=seven)

    assert answer.status_code == 422
    assert "page: must be a whole number from 1 to 200" in answer.json()["detail"]


def test_others_are_answered_while_a_bomb_is_decoded(server, seven):
    images = [base64.b64encode(each).decode() for each in (groups_of_groups(12), seven)]

    bomb, other = httpx.post(f"{server}/predict/batch", json={"images": images}).json()[
        "predictions"
    ]

    assert bomb["error"]["type"] == "/problems/unreadable-image"
    assert other["digit"] == 7
