"""Keys over a real socket: who is let in, who is not, and what the document says of it."""

import base64
import json
import re
import socket
from urllib.parse import urlsplit

import httpx
import pytest
import tritonclient.http

from service.auth.api_keys import Role, new_key
from service.auth.quotas import Quota
from tests.e2e.running import run_service

QUOTA = 10


@pytest.fixture(scope="module")
def keys():
    """A key and its line, by name."""
    return {
        "teller": new_key("teller", Role.PREDICT),
        "prometheus": new_key("prometheus", Role.METRICS),
        "boss": new_key("boss", Role.ADMIN),
        **{
            name: new_key(name, Role.PREDICT, Quota.parse(f"{QUOTA}/day"))
            for name in ("single", "batch", "stream", "tensor", "large")
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
    """A client with the key of a name."""

    def made(name):
        return httpx.Client(base_url=service.url, headers={"X-API-Key": keys[name][0]})

    return made


def test_a_key_opens_in_either_header(service, keys, seven):
    key, _ = keys["teller"]

    for headers in ({"X-API-Key": key}, {"Authorization": f"Bearer {key}"}):
        answer = httpx.post(f"{service.url}/predict", content=seven, headers=headers)
        assert answer.json()["digit"] == 7


@pytest.mark.parametrize("headers", [{}, {"X-API-Key": "numeral_wrong"}, {"Authorization": "x"}])
@pytest.mark.parametrize("path", ["/predict", "/models", "/metrics", "/admin/reload", "/nowhere"])
def test_without_a_key_that_is_known_nothing_opens(service, path, headers):
    response = httpx.post(f"{service.url}{path}", headers=headers)

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")
    assert response.json()["type"] == "/problems/key-required"
    assert response.json()["request_id"] == response.headers["X-Request-ID"]
    assert "X-API-Key" in response.text or "check it" in response.text


def test_the_protocol_has_its_own_shape_for_it(service):
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
        ("boss", "/models", 200),
        ("boss", "/admin/nothing", 404),
    ],
)
def test_a_key_opens_what_it_is_for(client, name, path, status):
    response = client(name).get(path)

    assert response.status_code == status
    if status == 403:
        assert response.json()["type"] == "/problems/role-required"
        assert name in response.json()["detail"]


def test_the_answer_comes_before_the_body(service):
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port), timeout=10) as connection:
        connection.sendall(b"POST /predict HTTP/1.1\r\nHost: n\r\nContent-Length: 1000000\r\n\r\n")

        assert connection.recv(1000).startswith(b"HTTP/1.1 401 ")


def test_a_triton_client_sends_its_key(service, keys):
    address = urlsplit(service.url).netloc
    with tritonclient.http.InferenceServerClient(address) as triton:
        headers = {"Authorization": f"Bearer {keys['teller'][0]}"}

        assert triton.get_server_metadata(headers=headers)["name"] == "numeral"


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

    # The second was counted as one image as it arrived, and refused when its images were known.
    assert statuses == [200, 429, 200, 429]


def test_a_batch_that_never_fits_is_told_so(client, seven):
    response = client("large").post(
        "/predict/batch", files=[("files", ("7.png", seven))] * (QUOTA + 1)
    )

    assert response.status_code == 429
    assert "smaller batches" in response.json()["detail"]


def test_a_stream_counts_its_images_as_they_come(client, seven):
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


def test_the_log_holds_no_key(service, keys, client):
    client("teller").get("/models")

    service.wait_for(lambda: "path=/models" in service.log)
    for key, line in keys.values():
        assert key not in service.log
        assert line.sha256 not in service.log


def test_the_document_tells_what_wants_a_key_and_what_does_not(service):
    document = httpx.get(f"{service.url}/openapi.json").json()

    assert document["components"]["securitySchemes"].keys() == {"bearer", "key"}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            address = service.url + re.sub(r"{\w+}", "x", path)
            response = httpx.request(method, address)
            guarded = "security" in operation
            assert (response.status_code == 401) is guarded
            assert guarded is ({"401", "403", "429"} <= operation["responses"].keys())
            if guarded:
                [media_type] = operation["responses"]["401"]["content"]
                assert response.headers["Content-Type"] == media_type
                assert "WWW-Authenticate" in operation["responses"]["401"]["headers"]
                assert "X-Request-ID" in operation["responses"]["401"]["headers"]
                assert "Retry-After" in operation["responses"]["429"]["headers"]


def test_the_document_of_an_open_service_speaks_of_no_keys(server):
    document = httpx.get(f"{server}/openapi.json").json()

    assert "securitySchemes" not in document["components"]
    assert "401" not in document["paths"]["/predict"]["post"]["responses"]


def test_a_browser_may_ask_before_it_shows_a_key(service, seven, keys):
    origin = {"Origin": "https://forms.example"}
    wish = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization,content-type",
    }

    asked = httpx.options(f"{service.url}/predict", headers=origin | wish)
    refused = httpx.post(f"{service.url}/predict", headers=origin)

    assert asked.status_code == 200
    for response in (asked, refused):
        assert response.headers["Access-Control-Allow-Origin"] == origin["Origin"]
    assert refused.status_code == 401
    assert "Retry-After" in refused.headers["Access-Control-Expose-Headers"]


def _batch(caller, image, images):
    files = [("files", ("7.png", image))] * images
    return caller.post("/predict/batch", files=files).status_code
