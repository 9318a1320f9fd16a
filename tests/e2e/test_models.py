"""`GET /models` and health, with sound and with damaged model files."""

import json

import httpx
import pytest

from models.manifest import PACKAGE_DIRECTORY, StudyResult, load_manifest

MANIFEST = load_manifest(PACKAGE_DIRECTORY)
BROKEN, SOUND, *_ = MANIFEST.models


def test_the_comparison_shows_what_the_manifest_says(server):
    listed = httpx.get(f"{server}/models").json()["models"]

    assert [model["name"] for model in listed] == [card.name for card in MANIFEST.models]
    for card, model in zip(MANIFEST.models, listed, strict=True):
        assert model["parameters"] == card.parameters
        assert model["quantised"] == card.quantised
        assert model["study"] == [result.model_dump() for result in card.study]
        assert model["version"] == card.version
        assert model["accuracy"] == card.test.accuracy
        assert model["accuracy_interval"]["low"] == card.test.accuracy_interval.low
        assert model["status"] == "loaded"
        assert model["reason"] is None
        assert model["default"] == (card.name == MANIFEST.default)
        assert [point["max_error"] for point in model["operating_points"]] == [
            point.max_error for point in card.operating_points
        ]


def test_a_card_shows_everything_that_the_manifest_says(server):
    shown = httpx.get(f"{server}/models/{SOUND.name}").json()

    assert shown.items() >= SOUND.model_dump(mode="json").items()
    assert shown["status"] == "loaded"


def test_health_of_a_sound_service(server):
    assert httpx.get(f"{server}/health/live").json() == {"status": "live"}
    ready = httpx.get(f"{server}/health/ready").json()
    assert ready == {
        "status": "ready",
        "models": [card.name for card in MANIFEST.models],
        "readers": [card.name for card in MANIFEST.readers],
    }


@pytest.mark.parametrize("damage", ["flipped", "missing"])
def test_a_damaged_model_does_not_stop_the_others(start, models_copy, seven, damage):
    _damage(models_copy / BROKEN.file, damage)
    service = start("--models-dir", str(models_copy))
    service.wait_until_ready()

    models = {model["name"]: model for model in httpx.get(f"{service.url}/models").json()["models"]}
    assert models[BROKEN.name]["status"] == "failed"
    assert BROKEN.file in models[BROKEN.name]["reason"]
    assert models[SOUND.name]["status"] == "loaded"
    assert httpx.get(f"{service.url}/models/{BROKEN.name}").json()["status"] == "failed"

    sound = httpx.post(f"{service.url}/predict", params={"model": SOUND.name}, content=seven)
    assert sound.json()["digit"] == 7
    damaged = httpx.post(f"{service.url}/predict", params={"model": BROKEN.name}, content=seven)
    assert damaged.status_code == 503
    assert damaged.json()["type"] == "/problems/model-unavailable"
    assert BROKEN.file in damaged.json()["detail"]


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


def test_the_comparison_shows_the_figures_of_the_study(start, models_copy):
    manifest = json.loads((models_copy / "manifest.json").read_text())
    figures = dict.fromkeys(StudyResult.model_fields, 1)
    manifest["models"][0]["study"] = [figures]
    (models_copy / "manifest.json").write_text(json.dumps(manifest))
    service = start("--models-dir", str(models_copy))
    service.wait_until_ready()

    listed = httpx.get(f"{service.url}/models").json()["models"]

    assert listed[0]["study"] == [figures]


def test_the_default_model_can_be_set(start, seven):
    other = next(card.name for card in MANIFEST.models if card.name != MANIFEST.default)
    service = start("--default-model", other)
    service.wait_until_ready()

    assert httpx.post(f"{service.url}/predict", content=seven).json()["model"] == other


def test_the_log_can_be_json(start):
    service = start("--log-format", "json")
    service.wait_until_ready()

    lines = [json.loads(line) for line in service.log.splitlines()]
    assert {"time", "level", "logger", "event"} <= lines[0].keys()


def _damage(file, damage):
    if damage == "missing":
        file.unlink()
    else:
        content = bytearray(file.read_bytes())
        content[len(content) // 2] ^= 1
        file.write_bytes(content)
