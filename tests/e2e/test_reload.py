"""Reloads of the models in every worker, which no request notices."""

import json
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from service.auth.api_keys import Role, new_key
from tests.e2e.callers import callers

one_or_two_workers = pytest.mark.parametrize("workers", [1, 2])


@one_or_two_workers
def test_a_hangup_signal_loads_the_models_again(start, models_copy, workers):
    service = _ready(start, models_copy, workers)
    _take_out(models_copy, "mlp")

    service.process.send_signal(signal.SIGHUP)

    service.wait_for(lambda: _reloads(service, workers) == 1)
    for _ in range(10):
        assert "mlp" not in _models(service)


@one_or_two_workers
def test_a_damaged_model_leaves_everything_as_it_is(start, models_copy, workers):
    service = _ready(start, models_copy, workers)
    before = _models(service)
    _take_out(models_copy, "mlp")
    (models_copy / "cnn.onnx").write_bytes(b"damaged")

    service.process.send_signal(signal.SIGHUP)

    service.wait_for(lambda: "reload failed, the old models" in service.log)
    for _ in range(10):
        assert _models(service) == before
        answer = httpx.post(f"{service.url}/predict?model=cnn", content=b"")
        assert answer.status_code != 503


def test_a_reload_that_failed_can_be_tried_again(start, models_copy):
    service = _ready(start, models_copy, workers=2)
    manifest = models_copy / "manifest.json"
    good = manifest.read_text()
    manifest.write_text("{")
    service.process.send_signal(signal.SIGHUP)
    service.wait_for(lambda: "reload failed" in service.log)

    manifest.write_text(good)
    service.process.send_signal(signal.SIGHUP)

    service.wait_for(lambda: "reloaded in 2 workers" in service.log)


@pytest.mark.own_processes("replicas of Ray Serve hear no signals")
def test_a_signal_to_one_worker_reloads_them_all(start, models_copy):
    service = _ready(start, models_copy, workers=2)

    os.kill(service.worker_ids()[0], signal.SIGHUP)

    service.wait_for(lambda: "reloaded in 2 workers" in service.log)


def test_reloads_at_the_same_moment_succeed_or_are_told_so(start, models_copy, tmp_path):
    key, line = new_key("mine", Role.ADMIN)
    keys = tmp_path / "keys.jsonl"
    keys.write_text(line.model_dump_json())
    service = start(models_dir=models_copy, workers=2, api_keys_file=keys)
    service.wait_for(lambda: service.log.count("ready after") == 2)

    def reload(_):
        return httpx.post(f"{service.url}/admin/reload", headers={"X-API-Key": key})

    with ThreadPoolExecutor(8) as callers:
        answers = list(callers.map(reload, range(16)))

    refused = [answer for answer in answers if answer.status_code != 200]
    assert len(refused) < len(answers)
    assert {answer.json()["type"] for answer in refused} <= {"/problems/reload-in-progress"}


@pytest.mark.own_processes("Ray's proxy turns late clients away")
@one_or_two_workers
def test_no_request_notices_a_reload(start, models_copy, seven, workers):
    service = _ready(start, models_copy, workers)

    with callers(service.url, seven, number=8) as calling:
        for _ in range(3):
            reloads = _reloads(service, workers)
            service.process.send_signal(signal.SIGHUP)
            service.wait_for(lambda before=reloads: _reloads(service, workers) > before)
        service.process.terminate()
        answers = calling.wait_until_refused()

    assert answers.keys() == {200}


def test_repaired_models_are_served_after_a_reload(start, models_copy):
    manifest = models_copy / "manifest.json"
    good = manifest.read_text()
    manifest.write_text("{")
    service = start(models_dir=models_copy)
    service.wait_for(lambda: "not ready" in service.log)

    manifest.write_text(good)
    service.process.send_signal(signal.SIGHUP)

    service.wait_until_ready()


def test_without_api_keys_nobody_reloads_over_http(server):
    answer = httpx.post(f"{server}/admin/reload")

    assert answer.status_code == 403
    assert answer.json()["type"] == "/problems/admin-off"
    assert "SIGHUP" in answer.json()["detail"]


def _ready(start, models_dir, workers):
    service = start(models_dir=models_dir, workers=workers)
    service.wait_for(lambda: service.log.count("ready after") == workers)
    return service


def _reloads(service, workers) -> int:
    """How many reloads all workers have finished."""
    return service.log.count("reloaded: " if workers == 1 else f"reloaded in {workers} workers")


def _models(service) -> set[str]:
    return set(httpx.get(f"{service.url}/health/ready").json()["models"])


def _take_out(models_dir, name: str) -> None:
    file = models_dir / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["models"] = [model for model in manifest["models"] if model["name"] != name]
    file.write_text(json.dumps(manifest))
