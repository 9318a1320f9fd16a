"""API keys: which requests they allow, and what the OpenAPI document says of them."""

import base64
import json
import re

import httpx
import pytest

from service.auth.api_keys import Role, new_key
from service.auth.quotas import Quota
from tests.e2e.raw import connected
from tests.e2e.running import run_service

QUOTA = 10


@pytest.fixture(scope="module")
def keys():
    """Return a key and its line by name."""
    return {
        "teller": new_key("teller", Role.PREDICT),
        "prometheus": new_key("prometheus", Role.METRICS),
        "owner": new_key("owner", Role.ADMIN),
        **{
            name: new_key(name, Role.PREDICT, Quota.parse(f"{QUOTA}/day"))
            for name in ("single", "batch", "stream", "tensor")
        },
    }


@pytest.fixture(scope="module")
def service(tmp_path_factory, keys):
    folder = tmp_path_factory.mktemp("keys")
    file = folder / "keys.jsonl"
    file.write_text("".join(line.model_dump_json() + "\n" for _, line in keys.values()))
    with run_service(folder, api_keys_file=file, cors_origins="https://forms.example") as running:
        running.wait_until_ready()
        yield running


@pytest.fixture
def client(service, keys):
    """Return a function from a key's name to a client that uses it."""

    def made(name):
        return httpx.Client(base_url=service.url, headers={"X-API-Key": keys[name][0]})

    return made


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "numeral_wrong"}, {"Authorization": "x"}])
@pytest.mark.parametrize("path", ["/predict", "/models", "/metrics", "/admin/reload", "/nowhere"])
def test_without_a_known_key_requests_are_refused(service, path, headers):
    response = httpx.post(f"{service.url}{path}", headers=headers)

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert response.json()["type"] == "/problems/key-required"
    assert response.json()["request_id"] == response.headers["X-Request-ID"]
    assert "X-API-Key" in response.text or "check it" in response.text


def test_the_open_inference_protocol_has_its_own_errors(service):
    response = httpx.get(f"{service.url}/v2/models/cnn")

    assert response.status_code == 401
    assert response.json().keys() == {"error"}


@pytest.mark.parametrize(
    "path", ["/docs", "/redoc", "/openapi.json", "/health/live", "/v2/health/ready", "/problems"]
)
def test_health_and_documentation_stay_open(service, path):
    assert httpx.get(f"{service.url}{path}").status_code == 200


@pytest.mark.parametrize(
    ("name", "path", "status"),
    [
        ("teller", "/models", 200),
        ("teller", "/admin/nothing", 403),
        ("teller", "/metrics", 403),
        ("prometheus", "/models", 403),
        ("prometheus", "/admin/nothing", 403),
        ("owner", "/models", 200),
        ("owner", "/admin/nothing", 404),
    ],
)
def test_a_key_allows_what_its_role_includes(client, name, path, status):
    response = client(name).get(path)

    assert response.status_code == status
    if status == 403:
        assert response.json()["type"] == "/problems/role-required"
        assert name in response.json()["detail"]


def test_a_request_without_a_key_is_answered_before_its_body(service):
    with connected(service.url) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: n\r\nContent-Length: 1000000\r\n\r\n")

        assert connection.recv(1000).startswith(b"HTTP/1.1 401 ")


def test_single_images_use_up_a_quota(client, seven):
    caller = client("single")
    for _ in range(QUOTA):
        assert caller.post("/predict", content=seven).status_code == 200

    response = caller.post("/predict", content=seven)

    assert response.status_code == 429
    assert response.json()["type"] == "/problems/quota-exceeded"
    assert 0 < int(response.headers["Retry-After"]) <= 24 * 60 * 60


def test_a_batch_counts_its_images(client, seven):
    caller = client("batch")

    statuses = [_batch(caller, seven, images) for images in (7, 7, 2, 1)]

    # The second is charged for one image when it arrives, and refused when its images are known.
    assert statuses == [200, 429, 200, 429]


def test_a_stream_counts_its_images(client, seven):
    line = json.dumps(base64.b64encode(seven).decode()) + "\n"
    headers = {"Content-Type": "application/x-ndjson"}

    def answers(lines):
        return client("stream").post("/predict/batch", content=line * lines, headers=headers)

    first, second = answers(QUOTA), answers(1)

    assert len(first.text.splitlines()) == QUOTA
    assert (first.status_code, second.status_code) == (200, 429)


def test_a_tensor_counts_its_images(client):
    body = {
        "inputs": [
            {
                "name": "image",
                "datatype": "UINT8",
                "shape": [QUOTA - 1, 28, 28],
                "data": [0] * (QUOTA - 1) * 28 * 28,
            }
        ]
    }
    caller = client("tensor")

    first, second = (caller.post("/v2/models/cnn/infer", json=body) for _ in range(2))

    assert first.status_code == 200
    assert second.status_code == 429
    assert second.json()["error"].startswith("Quota exceeded: ")
    assert "Retry-After" in second.headers


def test_the_log_contains_no_key(service, keys, client):
    client("teller").get("/models")

    service.wait_for(lambda: "path=/models" in service.log)
    for key, line in keys.values():
        assert key not in service.log
        assert line.sha256 not in service.log


def test_the_document_says_which_operations_require_a_key(service):
    document = httpx.get(f"{service.url}/openapi.json").json()

    assert document["components"]["securitySchemes"].keys() == {"bearer", "key"}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            address = service.url + re.sub(r"{\w+}", "x", path)
            response = httpx.request(method, address)
            is_protected = "security" in operation
            assert (response.status_code == 401) is is_protected
            assert is_protected is ({"401", "403", "429"} <= operation["responses"].keys())
            if is_protected:
                [media_type] = operation["responses"]["401"]["content"]
                assert response.headers["Content-Type"] == media_type
                assert "WWW-Authenticate" in operation["responses"]["401"]["headers"]
                assert "X-Request-ID" in operation["responses"]["401"]["headers"]
                assert "Retry-After" in operation["responses"]["429"]["headers"]


def test_the_document_of_a_service_without_keys_mentions_none(server):
    document = httpx.get(f"{server}/openapi.json").json()

    assert "securitySchemes" not in document["components"]
    assert "401" not in document["paths"]["/predict"]["post"]["responses"]


def test_a_browser_asks_for_permission_without_a_key(service, seven, keys):
    origin = {"Origin": "https://forms.example"}
    request = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }

    asked = httpx.options(f"{service.url}/predict", headers=origin | request)
    refused = httpx.post(f"{service.url}/predict", headers=origin)

    assert asked.status_code == 200
    for response in (asked, refused):
        assert response.headers["Access-Control-Allow-Origin"] == origin["Origin"]
    assert refused.status_code == 401
    assert "Retry-After" in refused.headers["Access-Control-Expose-Headers"]


def _batch(caller, image, images):
    files = [("files", ("7.png", image))] * images
    return caller.post("/predict/batch", files=files).status_code
