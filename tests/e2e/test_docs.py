"""The documentation that the service serves: complete, and without the internet."""

import base64
import json
import re
from urllib.parse import urljoin

import httpx
import pytest

from service.app import create_app
from service.settings import Settings

_LOADED = re.compile(r"""(?:src|href)=["']([^"']+)["']""")
_ABSOLUTE = re.compile(r"""["'](?:https?:)?//[^"']+["']""")


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_a_page_loads_what_it_needs_from_the_service_itself(server, page):
    response = httpx.get(f"{server}{page}")

    assert response.status_code == 200
    assert not _ABSOLUTE.findall(response.text)
    assets = _LOADED.findall(response.text)
    assert any(asset.endswith(".js") for asset in assets)
    for asset in assets:
        loaded = httpx.get(urljoin(f"{server}{page}", asset))
        assert loaded.status_code == 200
        assert loaded.content


@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_a_page_asks_for_the_document_and_its_files_under_any_path_prefix(server, page):
    text = httpx.get(f"{server}{page}").text

    assert re.search(r"""["']openapi.json["']""", text)
    assert not [asset for asset in _LOADED.findall(text) if asset.startswith("/")]


def test_the_document_says_every_body_parameter_and_error_of_a_prediction(server):
    operation = httpx.get(f"{server}/openapi.json").json()["paths"]["/predict"]["post"]

    assert {parameter["name"] for parameter in operation["parameters"]} == {
        "model",
        "max_error",
        "preprocess",
        "calibration",
        "page",
        "X-Request-ID",
    }
    assert {"image/png", "application/octet-stream", "multipart/form-data"} <= operation[
        "requestBody"
    ]["content"].keys()
    assert operation["responses"].keys() == {
        *("200", "400", "404", "406", "408", "413", "415", "422", "500", "503", "504")
    }


@pytest.mark.parametrize("path", ["/predict", "/predict/batch"])
def test_the_example_of_every_body_is_read_as_a_seven(server, path):
    document = httpx.get(f"{server}/openapi.json").json()
    bodies = document["paths"][path]["post"]["requestBody"]["content"]

    for media_type, body in bodies.items():
        for example in body.get("examples", {}).values():
            for prediction in _predictions(_send(f"{server}{path}", media_type, example)):
                assert prediction["digit"] == 7


def test_every_reference_in_the_document_leads_somewhere(server):
    document = httpx.get(f"{server}/openapi.json")

    references = set(re.findall(r'"\$ref":"([^"]+)"', document.text))
    schemas = document.json()["components"]["schemas"]
    assert references
    assert references <= {f"#/components/schemas/{name}" for name in schemas}


def test_what_may_be_left_out_has_no_default_of_null(server):
    schemas = httpx.get(f"{server}/openapi.json").json()["components"]["schemas"]

    assert "request_id" in schemas["Problem"]["properties"]
    for schema in schemas.values():
        for field in schema.get("properties", {}).values():
            assert field.get("default", "") is not None


def test_the_example_of_every_picture_is_shown_as_a_model_sees_it(server):
    operation = httpx.get(f"{server}/openapi.json").json()["paths"]["/normalise"]["post"]

    assert list(operation["responses"]["200"]["content"]) == ["image/png", "application/json"]
    for media_type, body in operation["requestBody"]["content"].items():
        for example in body.get("examples", {}).values():
            answer = _send(f"{server}/normalise", media_type, example)
            assert answer.headers["Content-Type"] == "image/png"


def test_the_document_says_how_long_a_batch_may_be():
    schemas = create_app(Settings(max_batch=5)).openapi()["components"]["schemas"]

    assert schemas["BatchRequest"]["properties"]["images"]["maxItems"] == 5
    assert schemas["BatchForm"]["properties"]["files"]["maxItems"] == 5


def test_the_document_says_that_images_in_json_are_base64(server):
    schemas = httpx.get(f"{server}/openapi.json").json()["components"]["schemas"]

    assert schemas["EncodedImage"]["properties"]["image"]["contentEncoding"] == "base64"
    plain, _ = schemas["BatchRequest"]["properties"]["images"]["items"]["anyOf"]
    assert plain["contentEncoding"] == "base64"


def test_every_operation_takes_and_returns_a_request_id(server):
    for path in httpx.get(f"{server}/openapi.json").json()["paths"].values():
        for operation in path.values():
            [parameter] = [
                each for each in operation["parameters"] if each["name"] == "X-Request-ID"
            ]
            assert parameter["in"] == "header"
            assert not parameter.get("required")
            assert all(
                "X-Request-ID" in each["headers"] for each in operation["responses"].values()
            )


def test_the_document_says_for_which_digits_an_error_rate_holds(server):
    document = httpx.get(f"{server}/openapi.json").json()

    for path in ("/predict", "/predict/batch"):
        [max_error] = [
            parameter
            for parameter in document["paths"][path]["post"]["parameters"]
            if parameter["name"] == "max_error"
        ]
        assert "single, upright digits" in max_error["description"]
    points = document["components"]["schemas"]["OperatingPointSummary"]
    assert "single, upright digits" in points["description"]


def test_the_explanation_of_a_problem_is_documented(server):
    document = httpx.get(f"{server}/openapi.json").json()

    assert {"200", "404"} <= document["paths"]["/problems/{slug}"]["get"]["responses"].keys()


def test_every_error_is_documented_as_a_problem(server):
    document = httpx.get(f"{server}/openapi.json").json()

    assert "Problem" in document["components"]["schemas"]
    for path, operations in document["paths"].items():
        # The Open Inference Protocol has a shape of its own for errors.
        media_type = "application/json" if path.startswith("/v2") else "application/problem+json"
        for operation in operations.values():
            for status, response in operation["responses"].items():
                assert "X-Request-ID" in response["headers"]
                if int(status) >= 400:
                    assert list(response["content"]) == [media_type]


def _predictions(answer):
    if answer.headers["Content-Type"] == "application/x-ndjson":
        return list(map(json.loads, answer.text.splitlines()))
    return answer.json().get("predictions", [answer.json()])


def _send(url, media_type, example):
    if isinstance(example.get("value"), str):
        return httpx.post(url, content=example["value"], headers={"Content-Type": media_type})
    if "value" in example:
        return httpx.post(url, json=example["value"])
    described, encoded = example["x-body"].removeprefix("data:").split(";base64,")
    assert described.startswith(media_type)
    content = base64.b64decode(encoded)
    return httpx.post(url, content=content, headers={"Content-Type": described})
