"""Reloads of the models in every worker, which no request notices."""

import json
import os
import signal

import httpx
import pytest

from tests.conftest import copy_models
from tests.e2e.callers import callers
from tests.e2e.running import run_service


@pytest.fixture(scope="module", params=[1, 2])
def shared(request, tmp_path_factory):
    """A service of one or two workers, its copy of the models, and how many workers it has."""
    folder = tmp_path_factory.mktemp("reload")
    models = copy_models(folder / "models")
    with run_service(folder, models_dir=models, workers=request.param) as service:
        _wait_until_ready(service, request.param)
        yield service, models, request.param


@pytest.fixture
def service(shared):
    """The service, with all models again after the test."""
    service, models, workers = shared
    yield service
    copy_models(models)
    _reload(service, workers)


@pytest.fixture
def folder(shared):
    return shared[1]


@pytest.fixture
def workers(shared):
    return shared[2]


def test_a_hangup_signal_loads_the_models_again(service, folder, workers):
    _take_out(folder, "mlp")

    _reload(service, workers)

    for _ in range(10):
        assert "mlp" not in _models(service)


def test_a_damaged_model_leaves_everything_as_it_is(service, folder):
    before = _models(service)
    _take_out(folder, "mlp")
    (folder / "cnn.onnx").write_bytes(b"damaged")

    _fail_to_reload(service)

    for _ in range(10):
        assert _models(service) == before
        answer = httpx.post(f"{service.url}/predict?model=cnn", content=b"")
        assert answer.status_code != 503


def test_a_reload_that_failed_can_be_tried_again(service, folder, workers):
    manifest = folder / "manifest.json"
    good = manifest.read_text()
    manifest.write_text("{")
    _fail_to_reload(service)

    manifest.write_text(good)

    _reload(service, workers)


@pytest.mark.own_processes("replicas of Ray Serve hear no signals")
def test_a_signal_to_one_worker_reloads_them_all(service, workers):
    one, *_ = service.worker_ids() or [service.process.pid]

    _reload(service, workers, signalled=one)


@pytest.mark.own_processes("Ray's proxy turns late clients away")
def test_no_request_notices_a_reload(shared, seven):
    """The last test of these services."""
    service, _, workers = shared
    with callers(service.url, seven, number=8) as calling:
        for _ in range(3):
            _reload(service, workers)
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


def _wait_until_ready(service, workers) -> None:
    service.wait_for(lambda: service.log.count("ready after") == workers)


def _reload(service, workers, signalled=None) -> None:
    """Have all workers reload the models, and wait for it."""
    before = _reloads(service, workers)
    os.kill(signalled or service.process.pid, signal.SIGHUP)
    service.wait_for(lambda: _reloads(service, workers) > before)


def _reloads(service, workers) -> int:
    """How many reloads all workers have finished."""
    return service.log.count("reloaded: " if workers == 1 else f"reloaded in {workers} workers")


def _fail_to_reload(service) -> None:
    failures = service.log.count("reload failed, the old models")
    service.process.send_signal(signal.SIGHUP)
    service.wait_for(lambda: service.log.count("reload failed, the old models") > failures)


def _models(service) -> set[str]:
    return set(httpx.get(f"{service.url}/health/ready").json()["models"])


def _take_out(models_dir, name: str) -> None:
    file = models_dir / "manifest.json"
    manifest = json.loads(file.read_text())
    manifest["models"] = [model for model in manifest["models"] if model["name"] != name]
    file.write_text(json.dumps(manifest))
