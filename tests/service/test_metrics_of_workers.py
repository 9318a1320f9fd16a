"""Metrics that several processes share."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.metrics.workers import (
    forget_process,
    forget_the_dead,
    prepare_multiprocess,
    shared_metrics,
)

WORKER = """
from service.metrics.exposition import Exposition

exposition = Exposition()
exposition.metrics.serving({"cnn": "1"}, defaults=["cnn"], failed=0)
for _ in range(10):
    exposition.metrics.request("GET", "/models", 200, 0.001)
    exposition.metrics.micro_batch("cnn", images=2, seconds=0.001)
exposition.metrics.in_flight = 3
exposition.metrics.flush()
print("ready", flush=True)
command = input()
if command == "show":
    print(exposition.page("").content.decode())
"""

EARLY_IMPORT = """
import pathlib, sys
import prometheus_client
from service.metrics.workers import prepare_multiprocess
prepare_multiprocess(pathlib.Path(sys.argv[1]))
from service.metrics.exposition import Exposition
Exposition()
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    prepare_multiprocess(tmp_path)
    return tmp_path


def test_any_worker_answers_for_all(folder):
    first, second = _worker(), _worker()

    page = _page(first)

    second.communicate("end")
    assert 'numeral_requests_total{method="GET",route="/models",status="200"} 20.0' in page
    assert 'numeral_micro_batch_images_bucket{le="2.0",model="cnn"} 20.0' in page
    assert "numeral_requests_in_flight 6.0" in page
    assert "numeral_workers 2.0" in page
    assert 'numeral_model_info{default="true",kind="digit",model="cnn",version="1"} 1.0' in page
    assert "process_resident_memory_bytes" in page or sys.platform != "linux"
    assert "pid=" not in page


def test_of_a_worker_that_died_only_the_counts_remain(folder):
    dead, alive = _worker(), _worker()
    dead.kill()
    dead.communicate()
    forget_process(dead.pid, folder)

    page = _page(alive)

    assert 'numeral_requests_total{method="GET",route="/models",status="200"} 20.0' in page
    assert "numeral_requests_in_flight 3.0" in page
    assert "numeral_workers 1.0" in page


def test_the_directory_lasts_as_long_as_the_workers():
    with shared_metrics() as folder:
        assert folder.is_dir()
        assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(folder)

    assert not folder.exists()
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ


def test_what_a_run_before_has_left_is_not_counted(tmp_path, monkeypatch):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", "")
    (tmp_path / "counter_1.db").write_bytes(b"old")

    prepare_multiprocess(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_library_that_was_imported_too_early_is_an_error(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", EARLY_IMPORT, tmp_path], capture_output=True, text=True, check=False
    )

    assert run.returncode == 1
    assert "spawn the workers instead of forking them" in run.stderr


def _worker() -> subprocess.Popen[str]:
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout.readline() == "ready\n"
    return worker


def _page(worker: subprocess.Popen[str]) -> str:
    page, _ = worker.communicate("show")
    return page


def test_a_worker_whose_number_is_another_users_by_now_is_forgotten(tmp_path, monkeypatch):
    forgotten = []

    def refuse(*_):
        raise PermissionError

    (tmp_path / "gauge_livesum_12345.db").touch()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    monkeypatch.setattr("service.metrics.workers.os.kill", refuse)
    monkeypatch.setattr("service.metrics.workers.forget_process", forgotten.append)

    forget_the_dead()

    assert forgotten == [12345]
