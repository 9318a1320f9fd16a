"""Metrics that several processes share."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.shared_metrics import shared_metrics

WORKER = """
from service.metrics import Metrics

metrics = Metrics()
metrics.serving({"cnn": "1"}, defaults=["cnn"], failed=0)
for _ in range(10):
    metrics.request("GET", "/models", 200, 0.001)
    metrics.micro_batch("cnn", images=2, seconds=0.001)
metrics.in_flight = 3
metrics.flush()
print("ready", flush=True)
if input() == "show":
    print(metrics.page("").content.decode())
"""


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    return tmp_path


def test_any_worker_answers_for_all(directory):
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


def test_only_the_counts_of_a_dead_worker_remain(directory):
    dead, alive = _worker(), _worker()
    dead.kill()
    dead.communicate()

    page = _page(alive)

    assert 'numeral_requests_total{method="GET",route="/models",status="200"} 20.0' in page
    assert "numeral_requests_in_flight 3.0" in page
    assert "numeral_workers 1.0" in page


def test_workers_that_replace_others_continue_in_their_files(directory):
    _worker().communicate("end")
    files = set(directory.iterdir())

    for _ in range(3):
        page = _page(_worker())

    assert 'numeral_requests_total{method="GET",route="/models",status="200"} 40.0' in page
    assert "numeral_workers 1.0" in page
    assert set(directory.iterdir()) == files


def test_the_directory_lasts_as_long_as_the_workers(monkeypatch):
    monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
    with shared_metrics() as directory:
        assert directory.is_dir()
        assert os.environ["PROMETHEUS_MULTIPROC_DIR"] == str(directory)

    assert not directory.exists()
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ


def _worker() -> subprocess.Popen[str]:
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout.readline() == "ready\n"
    return worker


def _page(worker: subprocess.Popen[str]) -> str:
    page, _ = worker.communicate("show")
    return page
