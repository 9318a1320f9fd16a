"""What the OpenAPI document says of the Open Inference Protocol."""

import re

import httpx
import pytest

from models.manifest import PACKAGE_DIRECTORY, load_manifest

MODEL = load_manifest(PACKAGE_DIRECTORY).models[0].name
INFER = "/v2/models/{name}/infer"


@pytest.fixture
def document(server):
    return httpx.get(f"{server}/openapi.json").json()


def test_every_path_of_the_protocol_is_there(document):
    paths = {path for path in document["paths"] if path.startswith("/v2")}

    models = ("/v2/models/{name}", "/v2/models/{name}/versions/{version}")
    assert paths == {
        "/v2",
        "/v2/health/live",
        "/v2/health/ready",
        "/v2/models/stats",
        "/v2/repository/index",
        *(prefix + rest for prefix in models for rest in ("", "/ready", "/stats", "/infer")),
    }


def test_every_operation_has_its_tag_and_its_path_parameters(document):
    for path, operations in document["paths"].items():
        if path.startswith("/v2"):
            for operation in operations.values():
                assert operation["tags"] == ["v2"]
                in_path = [each for each in operation["parameters"] if each["in"] == "path"]
                assert [each["name"] for each in in_path] == re.findall(r"{(\w+)}", path)
                assert all(each["required"] for each in in_path)


def test_errors_have_the_protocols_shape(document):
    responses = document["paths"][INFER]["post"]["responses"]

    assert responses.keys() == {*("200", "400", "404", "408", "413", "415", "500", "503", "504")}
    for status, response in responses.items():
        if int(status) >= 400:
            [content] = response["content"].values()
            assert content["schema"] == {"$ref": "#/components/schemas/ProtocolError"}
    assert "Retry-After" in responses["503"]["headers"]


def test_requests_and_answers_are_json_or_binary(document):
    operation = document["paths"][INFER]["post"]

    both = {"application/json", "application/octet-stream"}
    assert operation["requestBody"]["content"].keys() == both
    assert operation["responses"]["200"]["content"].keys() == both
    assert "Inference-Header-Content-Length" in operation["responses"]["200"]["headers"]


def test_the_example_is_read_as_a_seven(server, document):
    body = document["paths"][INFER]["post"]["requestBody"]["content"]["application/json"]

    for example in body["examples"].values():
        answer = httpx.post(f"{server}/v2/models/{MODEL}/infer", json=example["value"]).json()
        outputs = {output["name"]: output for output in answer["outputs"]}
        assert outputs["digit"]["data"] == [7]
        assert outputs["digit"]["shape"] == [1]


def test_an_error_rate_holds_for_the_digits_that_it_was_measured_on(document):
    max_error = document["components"]["schemas"]["InferParameters"]["properties"]["max_error"]

    assert "single, upright digits" in max_error["description"]
