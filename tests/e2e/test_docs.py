"""The documentation that the service serves: complete, and without the internet."""

import re
from urllib.parse import urljoin

import httpx
import pytest

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
def test_a_page_shows_the_document(server, page):
    assert "/openapi.json" in httpx.get(f"{server}{page}").text


def test_the_document_says_every_body_parameter_and_error_of_a_prediction(server):
    operation = httpx.get(f"{server}/openapi.json").json()["paths"]["/predict"]["post"]

    assert {parameter["name"] for parameter in operation["parameters"]} == {
        "model",
        "max_error",
        "preprocess",
    }
    assert {"image/png", "application/octet-stream", "multipart/form-data"} <= operation[
        "requestBody"
    ]["content"].keys()
    assert operation["responses"].keys() == {
        *("200", "400", "404", "406", "413", "415", "422", "500", "503", "504")
    }


def test_every_error_is_documented_as_a_problem(server):
    document = httpx.get(f"{server}/openapi.json").json()

    assert "Problem" in document["components"]["schemas"]
    for path in document["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                assert "X-Request-ID" in response["headers"]
                if int(status) >= 400:
                    assert list(response["content"]) == ["application/problem+json"]
