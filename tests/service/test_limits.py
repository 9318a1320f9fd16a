"""Limits that are set by settings, without a socket."""


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


def _expect(response, status, slug):
    assert response.status_code == status, response.text
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["type"] == f"/problems/{slug}"
    assert response.json()["request_id"] == response.headers["X-Request-ID"]
