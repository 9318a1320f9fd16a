"""`POST /predict/batch` over a real socket."""

import base64

import httpx
import pytest


def test_files_are_answered_in_order_with_their_names(server, draw):
    files = [("files", (f"{digit}.png", draw(digit))) for digit in (7, 1, 3)]

    response = httpx.post(f"{server}/predict/batch", files=files)

    assert response.status_code == 200
    predictions = response.json()["predictions"]
    assert [item["index"] for item in predictions] == [0, 1, 2]
    assert [item["id"] for item in predictions] == ["7.png", "1.png", "3.png"]
    assert [item["digit"] for item in predictions] == [7, 1, 3]


def test_json_is_answered_in_order_with_ids_where_they_were_given(server, seven, draw):
    images = [_base64(seven), {"id": "b", "image": _base64(draw(1))}, {"image": _base64(seven)}]
    images.append({"id": 12, "image": _base64(seven)})

    predictions = _predict(server, images)

    assert [item.get("id") for item in predictions] == [None, "b", None, 12]
    assert ["id" in item for item in predictions] == [False, True, False, True]
    assert [item["digit"] for item in predictions] == [7, 1, 7, 7]


def test_an_item_is_answered_as_it_would_be_alone(server, draw):
    pictures = [draw(digit) for digit in range(10)]

    batch = _predict(server, [_base64(picture) for picture in pictures])

    for picture, item in zip(pictures, batch, strict=True):
        alone = httpx.post(f"{server}/predict", content=picture).json()
        assert item["digit"] == alone["digit"]
        assert item["probabilities"] == pytest.approx(alone["probabilities"], abs=1e-5)


def test_a_bad_item_does_not_disturb_its_neighbours(server, seven, blank):
    images = [_base64(seven), _base64(b"no picture"), "no Base64!", _base64(blank), _base64(seven)]

    predictions = _predict(server, images)

    assert predictions[0]["digit"] == predictions[4]["digit"] == 7
    assert predictions[3]["digit"] is None
    for index, slug in ((1, "unsupported-format"), (2, "invalid-item")):
        assert predictions[index]["index"] == index
        assert predictions[index]["error"]["type"] == f"/problems/{slug}"
        assert predictions[index]["error"]["status"] == 422
        assert predictions[index]["error"]["request_id"]
        assert "digit" not in predictions[index]


def test_an_item_that_is_no_image_does_not_disturb_its_neighbours(server, seven):
    odd = {"id": "b", "image": _base64(seven), "label": 7}

    predictions = _predict(server, [_base64(seven), None, odd, _base64(seven)])

    assert [item["index"] for item in predictions] == [0, 1, 2, 3]
    assert predictions[0]["digit"] == predictions[3]["digit"] == 7
    assert "id" not in predictions[1]
    assert predictions[2]["id"] == "b"
    assert "`label`" in predictions[2]["error"]["detail"]


def test_a_batch_without_a_single_image_is_answered(server):
    predictions = _predict(server, [None, 7])

    assert [item["error"]["type"] for item in predictions] == ["/problems/invalid-item"] * 2


def test_base64_may_have_line_breaks(server, seven):
    [prediction] = _predict(server, [base64.encodebytes(seven).decode()])

    assert prediction["digit"] == 7


def test_an_empty_file_is_an_error_of_its_own(server, seven):
    files = [("files", ("empty.png", b"")), ("files", ("7.png", seven))]

    predictions = httpx.post(f"{server}/predict/batch", files=files).json()["predictions"]

    assert predictions[0]["id"] == "empty.png"
    assert "empty" in predictions[0]["error"]["detail"]
    assert predictions[1]["digit"] == 7


def test_a_batch_of_many_parts_keeps_its_order(server, draw):
    digits = [index % 10 for index in range(200)]
    drawn = {digit: _base64(draw(digit)) for digit in range(10)}
    alone = {digit: _predict(server, [drawn[digit]])[0]["digit"] for digit in range(10)}

    predictions = _predict(server, [drawn[digit] for digit in digits])

    assert [item["digit"] for item in predictions] == [alone[digit] for digit in digits]


def test_a_batch_is_read_by_the_model_that_was_named(server, seven):
    response = httpx.post(
        f"{server}/predict/batch", params={"model": "mlp"}, json={"images": [_base64(seven)]}
    )

    assert response.json()["predictions"][0]["model"] == "mlp"


def _predict(server, images):
    response = httpx.post(f"{server}/predict/batch", json={"images": images})
    assert response.status_code == 200, response.text
    return response.json()["predictions"]


def _base64(data):
    return base64.b64encode(data).decode()
