"""Limits that are set by settings, without a socket."""

import pytest

from service.auth.api_keys import ApiKeys, Role, new_key
from service.auth.quotas import Quota

READING_PATHS = (
    *("/predict", "/predict/batch", "/normalise", "/fields", "/fields/batch"),
    "/v2/models/cnn/infer",
)


def test_a_body_beyond_its_limit(app_client, seven):
    client = app_client(max_body_bytes=len(seven))

    assert client.post("/predict", content=seven).status_code == 200
    _expect(client.post("/predict", content=seven + b"\0"), 413, "body-too-large")


def test_a_picture_beyond_its_limit(app_client, draw):
    client = app_client(max_pixels=50 * 50)

    assert client.post("/predict", content=draw(7, side=50)).status_code == 200
    _expect(client.post("/predict", content=draw(7, side=51)), 413, "picture-too-large")


def test_a_batch_beyond_its_limit(app_client, seven):
    client = app_client(max_batch=2)

    def answer(images):
        return client.post("/predict/batch", files=[("files", ("7.png", seven))] * images)

    assert answer(2).status_code == 200
    _expect(answer(3), 413, "batch-too-large")


def test_a_single_body_may_exceed_the_memory_budget(app_client, seven):
    client = app_client(max_total_body_bytes=1)

    assert client.post("/predict", content=seven).status_code == 200


@pytest.mark.parametrize("path", READING_PATHS)
def test_a_full_queue_refuses_before_it_reads_the_body(app_client, path):
    client = app_client()
    client.app_state["engine"]._admission.admitted = 10**6
    read = []

    def body():
        read.append(True)
        yield b"x"

    answer = client.post(path, content=body(), headers={"Content-Type": "image/png"})

    assert answer.status_code == 503
    assert "queue is full" in answer.text
    assert int(answer.headers["Retry-After"]) > 0
    assert not read


def test_refusals_are_paced_and_other_answers_are_not(app_client, seven):
    key, line = new_key("mine", Role.PREDICT, Quota.parse("2/day"))
    client = app_client(ApiKeys((line,)))
    paced = []

    async def wait():
        paced.append(True)

    client.app_state["refusals"].wait = wait

    def is_paced(status, **request):
        paced.clear()
        assert client.post("/predict", **request).status_code == status
        return paced == [True]

    mine = {"X-API-Key": key}
    assert not is_paced(200, content=seven, headers=mine)
    assert not is_paced(422, content=b"", headers=mine)
    assert is_paced(429, content=seven, headers=mine)
    assert is_paced(401, content=seven)


def _expect(response, status, slug):
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["type"] == f"/problems/{slug}"
    assert response.json()["request_id"] == response.headers["X-Request-ID"]
