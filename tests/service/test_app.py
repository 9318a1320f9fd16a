"""The application as a whole, without a socket."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from starlette.testclient import TestClient

from service.app import _route_finder, create_app
from service.settings import Settings
from tests.service.faults import answer_to_a_fault


def test_an_unexpected_error_is_a_problem_with_its_request_id():
    response = answer_to_a_fault("/broken")

    assert response.status_code == 500
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["X-Request-ID"] == response.json()["request_id"] == "mine"
    assert "1234" not in response.text


def test_an_unexpected_error_under_v2_has_the_shape_of_its_protocol():
    response = answer_to_a_fault("/v2/broken")

    assert response.status_code == 500
    assert response.json().keys() == {"error"}
    assert response.headers["X-Request-ID"] == "mine"
    assert "1234" not in response.text


def test_a_page_of_an_allowed_origin_may_read_an_unexpected_error():
    response = answer_to_a_fault("/broken", Origin="https://forms.example")

    assert response.headers["Access-Control-Allow-Origin"] == "https://forms.example"


def test_a_length_of_thousands_of_digits_is_a_problem():
    app = create_app(Settings(), load_first=True)

    with TestClient(app) as client:
        response = client.post("/predict", content=b"x", headers={"Content-Length": "9" * 4300})

    assert response.status_code == 413
    assert response.json()["request_id"] == response.headers["X-Request-ID"]


def test_requests_at_once_for_the_document_get_the_same_complete_one():
    app = create_app(Settings())
    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(lambda _: app.openapi(), range(4))

    [request_id] = first["paths"]["/health/live"]["get"]["parameters"]
    assert request_id["name"] == "X-Request-ID"
    assert all(other is first for other in others)


def test_behind_a_prefix_the_document_names_it_and_stays_relative_to_itself():
    client = TestClient(create_app(Settings()), root_path="/digits")

    document = client.get("/openapi.json").json()

    assert document["servers"] == [{"url": "/digits"}, {"url": "./"}]
    assert "X-Request-ID" in str(document["paths"]["/health/live"])


@pytest.mark.parametrize(
    ("path", "route"),
    [
        ("/models", "/models"),
        ("/models/cnn", "/models/{name}"),
        ("/v2/models/cnn/infer", "/v2/models/{name}/infer"),
        ("/page/scripts/main.js", "/page/{rest:path}"),
        ("/docs", "/docs"),
        ("/models/cnn/more", "unknown"),
        ("/nowhere", "unknown"),
    ],
)
def test_requests_are_counted_by_the_template_of_their_path(path, route):
    assert _route_finder(create_app(Settings()))(path) == route
