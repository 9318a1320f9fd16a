"""`POST /predict/batch` over a real socket."""

import base64

import httpx
import pytest


def test_files_are_answered_in_order_with_their_names(server, draw):
    files = [("files", (f"{digit}.png", draw(digit))) for digit in (7, 1, 3)]

    predictions = _post(server, files=files)

    assert [item["index"] for item in predictions] == [0, 1, 2]
    assert [item["id"] for item in predictions] == ["7.png", "1.png", "3.png"]
    assert [item["digit"] for item in predictions] == [7, 1, 3]


def test_a_percent_encoded_file_name_is_an_id(server, seven):
    head = b"Content-Disposition: form-data; name=\"files\"; filename*=UTF-8''%C3%A9.png"
    body = b"--b\r\n%b\r\n\r\n%b\r\n--b--\r\n" % (head, seven)

    [prediction] = _post(
        server, content=body, headers={"Content-Type": "multipart/form-data; boundary=b"}
    )

    assert (prediction["id"], prediction["digit"]) == ("é.png", 7)


def test_json_is_answered_in_order_with_its_ids(server, seven, draw):
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
        alone = httpx.post(f"{server}/predict", content=picture, timeout=60).json()
        assert item["digit"] == alone["digit"]
        assert item["probabilities"] == pytest.approx(alone["probabilities"], abs=1e-5)


def test_bad_items_do_not_affect_the_others(server, seven, blank):
    images = [
        *(_base64(seven), _base64(b"no picture"), "no Base64!", _base64(blank), None),
        *({"id": "b", "image": _base64(seven), "label": 7}, _base64(seven)),
    ]

    predictions = _predict(server, images)

    assert [item["index"] for item in predictions] == list(range(7))
    assert predictions[0]["digit"] == predictions[6]["digit"] == 7
    assert predictions[3]["digit"] is None
    slugs = {1: "unsupported-format", **dict.fromkeys((2, 4, 5), "invalid-item")}
    for index, slug in slugs.items():
        assert predictions[index]["error"]["type"] == f"/problems/{slug}"
        assert predictions[index]["error"]["status"] == 422
        assert predictions[index]["error"]["request_id"]
        assert "digit" not in predictions[index]
    assert "id" not in predictions[4]
    assert predictions[5]["id"] == "b"
    assert "label: is not known" in predictions[5]["error"]["detail"]


def test_a_batch_without_a_single_image_is_answered(server):
    predictions = _predict(server, [None, 7])

    assert [item["error"]["type"] for item in predictions] == ["/problems/invalid-item"] * 2


def test_an_empty_file_is_an_error_in_its_place(server, seven):
    predictions = _post(server, files=[("files", ("empty.png", b"")), ("files", ("7.png", seven))])

    assert predictions[0]["id"] == "empty.png"
    assert "empty" in predictions[0]["error"]["detail"]
    assert predictions[1]["digit"] == 7


def test_a_large_batch_keeps_its_order(server, draw):
    digits = [index % 10 for index in range(200)]
    drawn = {digit: _base64(draw(digit)) for digit in range(10)}
    alone = {digit: _predict(server, [drawn[digit]])[0]["digit"] for digit in range(10)}

    predictions = _predict(server, [drawn[digit] for digit in digits])

    assert [item["digit"] for item in predictions] == [alone[digit] for digit in digits]


def test_a_batch_is_read_by_the_model_that_was_named(server, seven):
    [prediction] = _predict(server, [_base64(seven)], params={"model": "mlp"})

    assert prediction["model"] == "mlp"


def _predict(server, images, **options):
    return _post(server, json={"images": images}, **options)


def _post(server, **options):
    response = httpx.post(f"{server}/predict/batch", timeout=60, **options)
    assert response.status_code == 200, response.text
    return response.json()["predictions"]


def _base64(data):
    return base64.b64encode(data).decode()
