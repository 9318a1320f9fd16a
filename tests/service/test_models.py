"""`GET /models` and health, with intact and with damaged model files."""

import json

import pytest

from models.manifest import PACKAGE_DIRECTORY, StudyResult, load_manifest

MANIFEST = load_manifest(PACKAGE_DIRECTORY)
BROKEN, INTACT, *_ = MANIFEST.models


def test_models_are_listed_and_shown_as_the_manifest_has_them(app_client):
    client = app_client()
    listed = client.get("/models").json()["models"]

    assert [model["name"] for model in listed] == [card.name for card in MANIFEST.models]
    for card, model in zip(MANIFEST.models, listed, strict=True):
        assert model["parameters"] == card.parameters
        assert model["quantised"] == card.quantised
        assert model["study"] == [result.model_dump() for result in card.study]
        assert model["version"] == card.version
        assert model["accuracy"] == card.test.accuracy
        assert model["accuracy_interval"] == card.test.accuracy_interval.model_dump()
        assert model["status"] == "loaded"
        assert model["reason"] is None
        assert model["default"] == (card.name == MANIFEST.default)
        for point, shown in zip(card.operating_points, model["operating_points"], strict=True):
            assert shown["max_error"] == point.max_error
            assert shown["threshold"] == point.threshold
            assert shown["read_rate"] == point.test.read_rate
    detail = client.get(f"/models/{INTACT.name}").json()
    assert detail.items() >= INTACT.model_dump(mode="json").items()
    assert detail["status"] == "loaded"


def test_health_names_what_is_served(app_client):
    client = app_client()

    assert client.get("/health/live").json() == {"status": "live"}
    assert client.get("/health/ready").json() == {
        "status": "ready",
        "models": [card.name for card in MANIFEST.models],
        "readers": [card.name for card in MANIFEST.readers],
    }


@pytest.mark.parametrize("damage", ["flipped", "missing"])
def test_a_damaged_model_does_not_stop_the_others(app_client, models_copy, seven, damage):
    _damage(models_copy / BROKEN.file, damage)
    client = app_client(models_dir=models_copy)

    models = {model["name"]: model for model in client.get("/models").json()["models"]}
    assert models[BROKEN.name]["status"] == "failed"
    assert BROKEN.file in models[BROKEN.name]["reason"]
    assert models[INTACT.name]["status"] == "loaded"
    assert client.get(f"/models/{BROKEN.name}").json()["status"] == "failed"
    intact = client.post("/predict", params={"model": INTACT.name}, content=seven)
    assert intact.json()["digit"] == 7
    damaged = client.post("/predict", params={"model": BROKEN.name}, content=seven)
    assert damaged.status_code == 503
    assert damaged.json()["type"] == "/problems/model-unavailable"
    assert BROKEN.file in damaged.json()["detail"]


def test_with_every_model_damaged_the_service_is_not_ready_and_names_the_files(
    app_client, models_copy, seven
):
    files = sorted(models_copy.glob("*.onnx"))
    for file in files:
        _damage(file, "flipped")
    client = app_client(models_dir=models_copy)

    for response in (
        client.get("/health/ready"),
        client.get("/models"),
        client.post("/predict", content=seven),
    ):
        assert response.status_code == 503
        assert response.headers["Retry-After"]
        problem = response.json()
        assert problem["type"] == "/problems/not-ready"
        assert all(file.name in problem["detail"] for file in files)
    assert client.get("/health/live").status_code == 200


def test_without_a_manifest_the_service_is_not_ready_and_says_so(app_client, models_copy):
    (models_copy / "manifest.json").unlink()

    response = app_client(models_dir=models_copy).get("/health/ready")

    assert "manifest.json" in response.json()["detail"]


def test_the_list_shows_the_results_of_the_study(app_client, models_copy):
    manifest = json.loads((models_copy / "manifest.json").read_text())
    results = dict.fromkeys(StudyResult.model_fields, 1)
    manifest["models"][0]["study"] = [results]
    (models_copy / "manifest.json").write_text(json.dumps(manifest))

    listed = app_client(models_dir=models_copy).get("/models").json()["models"]

    assert listed[0]["study"] == [results]


def test_the_default_model_can_be_set(app_client, seven):
    other = next(card.name for card in MANIFEST.models if card.name != MANIFEST.default)

    client = app_client(default_model=other)

    assert client.post("/predict", content=seven).json()["model"] == other


def _damage(file, damage):
    if damage == "missing":
        file.unlink()
    else:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
