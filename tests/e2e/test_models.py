"""`GET /models` and health, with sound and with damaged model files."""

import json

import httpx
import pytest

from models.manifest import PACKAGE_DIRECTORY, load_manifest


def test_the_comparison_shows_what_the_manifest_says(server):
    manifest = load_manifest(PACKAGE_DIRECTORY)

    listed = httpx.get(f"{server}/models").json()["models"]

    assert [model["name"] for model in listed] == [card.name for card in manifest.models]
    for card, model in zip(manifest.models, listed, strict=True):
        assert model["parameters"] == card.parameters
        assert model["version"] == card.version
        assert model["accuracy"] == card.test.accuracy
        assert model["accuracy_interval"]["low"] == card.test.accuracy_interval.low
        assert model["status"] == "loaded"
        assert model["reason"] is None
        assert model["default"] == (card.name == manifest.default)
        assert [point["max_error"] for point in model["operating_points"]] == [
            point.max_error for point in card.operating_points
        ]


def test_a_card_shows_everything_that_the_manifest_says(server):
    [card] = [card for card in load_manifest(PACKAGE_DIRECTORY).models if card.name == "lenet5"]

    shown = httpx.get(f"{server}/models/lenet5").json()

    assert shown.items() >= card.model_dump(mode="json").items()
    assert shown["status"] == "loaded"


def test_health_of_a_sound_service(server):
    assert httpx.get(f"{server}/health/live").json() == {"status": "live"}
    assert "lenet5" in httpx.get(f"{server}/health/ready").json()["models"]


@pytest.mark.parametrize("damage", ["flipped", "missing"])
def test_a_damaged_model_does_not_stop_the_others(start, models_copy, seven, damage):
    _damage(models_copy / "lenet.onnx", damage)
    service = start("--models-dir", str(models_copy))
    service.wait_until_ready()

    models = {model["name"]: model for model in httpx.get(f"{service.url}/models").json()["models"]}
    assert models["lenet"]["status"] == "failed"
    assert "lenet.onnx" in models["lenet"]["reason"]
    assert models["lenet5"]["status"] == "loaded"
    assert httpx.get(f"{service.url}/models/lenet").json()["status"] == "failed"

    sound = httpx.post(f"{service.url}/predict", params={"model": "lenet5"}, content=seven)
    assert sound.json()["digit"] == 7
    damaged = httpx.post(f"{service.url}/predict", params={"model": "lenet"}, content=seven)
    assert damaged.status_code == 503
    assert damaged.json()["type"] == "/problems/model-unavailable"
    assert "lenet.onnx" in damaged.json()["detail"]


def test_with_every_model_damaged_the_service_is_not_ready_and_names_the_files(
    start, models_copy, seven
):
    files = sorted(models_copy.glob("*.onnx"))
    for file in files:
        _damage(file, "flipped")
    service = start("--models-dir", str(models_copy))
    service.wait_for(lambda: "not ready" in service.log)

    for response in (
        httpx.get(f"{service.url}/health/ready"),
        httpx.get(f"{service.url}/models"),
        httpx.post(f"{service.url}/predict", content=seven),
    ):
        assert response.status_code == 503
        assert response.headers["Retry-After"]
        problem = response.json()
        assert problem["type"] == "/problems/not-ready"
        assert all(file.name in problem["detail"] for file in files)
    assert httpx.get(f"{service.url}/health/live").status_code == 200


def test_without_a_manifest_the_service_is_not_ready_and_says_so(start, models_copy):
    (models_copy / "manifest.json").unlink()
    service = start("--models-dir", str(models_copy))
    service.wait_for(lambda: "not ready" in service.log)

    assert "manifest.json" in httpx.get(f"{service.url}/health/ready").json()["detail"]


def test_the_default_model_can_be_set(start, seven):
    service = start("--default-model", "mlp")
    service.wait_until_ready()

    assert httpx.post(f"{service.url}/predict", content=seven).json()["model"] == "mlp"


def test_the_log_can_be_json(start):
    service = start("--log-format", "json")
    service.wait_until_ready()

    lines = [json.loads(line) for line in service.log.splitlines()]
    assert {"time", "level", "logger", "message"} <= lines[0].keys()


def _damage(file, damage):
    if damage == "missing":
        file.unlink()
    else:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
