"""The metrics of one process, and those that several processes share."""

import os
import subprocess
import sys
import threading
from collections import namedtuple
from pathlib import Path

import numpy as np
import prometheus_client
import pytest
from prometheus_client import CollectorRegistry

from service.drift import Distribution
from service.metrics import Histogram, Metrics
from service.shared_metrics import shared_metrics

Answer = namedtuple("Answer", "text confidence decision reasons")

ACCEPTED = Answer("7", 0.9999, "accept", ())
DOUBTFUL = Answer("1", 0.6, "review", ("low_confidence", "several_digits"))
BLANK = Answer(None, 0.0, "review", ("blank",))

WORKER = """
from service.drift import Distribution
from service.metrics import Metrics

metrics = Metrics()
stroke = Distribution(edges=(2.0,), pictures=(50, 50))
calibrated = {("cnn", "bank-a"): {"stroke": stroke}}
metrics.serving({"cnn": "1"}, defaults=["cnn"], failed=0, calibrated=calibrated)
for _ in range(300):
    metrics.drift("cnn", "bank-a", {"stroke": 3.0, "height": 40.0})
for _ in range(10):
    metrics.request("GET", "/models", 200, 0.001)
    metrics.micro_batch("cnn", images=2, seconds=0.001)
metrics.in_flight = 3
metrics.flush()
print("ready", flush=True)
if input() == "show":
    print(metrics.page("")[0].decode())
"""


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def directory(tmp_path, monkeypatch):
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    return tmp_path


def test_the_steps_of_the_work_are_timed(metrics):
    metrics.decoded(0.125)
    metrics.normalised(0.25)
    metrics.waited([0.5, 0.5])
    metrics.micro_batch("resnet", images=3, seconds=0.25)
    metrics.micro_batch("resnet", images=5, seconds=0.25)

    assert _value(metrics, "numeral_decode_duration_seconds_sum") == 0.125
    assert _value(metrics, "numeral_normalise_duration_seconds_sum") == 0.25
    assert _value(metrics, "numeral_queue_wait_seconds_count") == 2
    assert _value(metrics, "numeral_micro_batch_images_sum", model="resnet") == 8
    assert _value(metrics, "numeral_micro_batch_images_count", model="resnet") == 2
    assert _value(metrics, "numeral_infer_duration_seconds_sum", model="resnet") == 0.5


def test_answers_are_counted_by_decision_reason_digit_and_confidence(metrics):
    metrics.answered("cnn", [ACCEPTED, DOUBTFUL, BLANK])
    metrics.answered("reader", [Answer("177", 0.99, "accept", ())])

    assert _value(metrics, "numeral_images_total", model="cnn", decision="accept") == 1
    assert _value(metrics, "numeral_images_total", model="cnn", decision="review") == 2
    for reason in ("low_confidence", "several_digits", "blank"):
        assert _value(metrics, "numeral_reasons_total", model="cnn", reason=reason) == 1
    assert _value(metrics, "numeral_confidence_count", model="cnn") == 2
    assert _value(metrics, "numeral_confidence_sum", model="cnn") == pytest.approx(1.5999)
    assert _value(metrics, "numeral_digits_total", model="cnn", digit="7") == 1
    assert _value(metrics, "numeral_digits_total", model="reader", digit="1") == 1
    assert _value(metrics, "numeral_digits_total", model="reader", digit="7") == 2


def test_unknown_methods_share_a_series(metrics):
    for method in ("BREW", "WHEN"):
        metrics.request(method, "/predict", 405, 0.5)

    labels = {"method": "other", "route": "/predict", "status": "405"}
    assert _value(metrics, "numeral_requests_total", **labels) == 2
    assert _value(metrics, "numeral_request_duration_seconds_sum", route="/predict") == 1


def test_the_queue_is_read_at_every_scrape(metrics):
    waiting = []
    metrics.watch_queue(lambda: len(waiting), limit=256)
    waiting += [1, 2, 3]

    assert _value(metrics, "numeral_queue_images") == 3
    assert _value(metrics, "numeral_queue_limit_images") == 256


def test_a_replaced_model_is_no_longer_served(metrics):
    readers = ["reader"]
    metrics.serving({"cnn": "old", "reader": "same"}, defaults=["cnn"], failed=1, readers=readers)
    metrics.serving({"cnn": "new", "reader": "same"}, defaults=["cnn"], failed=0, readers=readers)

    def served(**labels):
        return _value(metrics, "numeral_model_info", **labels)

    assert served(model="cnn", version="old", default="true", kind="digit") == 0
    assert served(model="cnn", version="new", default="true", kind="digit") == 1
    assert served(model="reader", version="same", default="false", kind="field") == 1
    assert _value(metrics, "numeral_models_loaded") == 2
    assert _value(metrics, "numeral_models_failed") == 0


def test_a_reload_forgets_the_pictures_of_a_calibration_only_if_it_has_changed(metrics):
    def serve(**edges: float) -> None:
        calibrated = {
            ("cnn", name): {"stroke": Distribution(edges=(edge,), pictures=(50, 50))}
            for name, edge in edges.items()
        }
        metrics.serving({"cnn": "1"}, defaults=["cnn"], failed=0, calibrated=calibrated)

    def thick(calibration: str) -> float | None:
        labels = {"model": "cnn", "feature": "stroke", "bin": "1"}
        return _value(metrics, "numeral_drift_pictures", calibration=calibration, **labels)

    serve(same=2.0, other=2.0, gone=2.0)
    for calibration in ("same", "other", "gone", "unknown"):
        metrics.drift("cnn", calibration, {"stroke": 2.0})
    assert [thick("same"), thick("other"), thick("gone")] == [1, 1, 1]

    serve(same=2.0, other=3.0)

    assert [thick("same"), thick("other"), thick("gone")] == [1, 0, 0]
    assert 'numeral_drift_psi{calibration="gone"' not in metrics.page("")[0].decode()


def test_old_pictures_are_forgotten_in_steps(metrics):
    calibrated = {("cnn", "mine"): {"stroke": Distribution(edges=(2.0,), pictures=(50, 50))}}
    metrics.serving({"cnn": "1"}, defaults=["cnn"], failed=0, calibrated=calibrated)
    for stroke, count in ((1.0, 4_000), (3.0, 5_000)):
        for _ in range(count // 100):
            for _ in range(100):
                metrics.drift("cnn", "mine", {"stroke": stroke})
            metrics.flush()

    labels = {"model": "cnn", "calibration": "mine", "feature": "stroke"}
    thin, thick = (_value(metrics, "numeral_drift_pictures", **labels, bin=each) for each in "01")
    assert (thin, thick) == (0, 4_000)


def test_expected_events_are_counted_from_0(metrics):
    metrics.expect(problems=["queue-full"], decisions=["accept"], reasons=["blank"])
    metrics.serving({"cnn": "1"}, defaults=["cnn"], failed=0)

    assert _value(metrics, "numeral_rejected_total", reason="queue-full") == 0
    assert _value(metrics, "numeral_reloads_total", outcome="failure") == 0
    assert _value(metrics, "numeral_images_total", model="cnn", decision="accept") == 0
    assert _value(metrics, "numeral_reasons_total", model="cnn", reason="blank") == 0
    assert _value(metrics, "numeral_digits_total", model="cnn", digit="0") == 0


def test_many_events_are_counted_without_a_scrape(metrics):
    for _ in range(10_000):
        metrics.request("GET", "/models", 200, 0.001)

    counted = metrics.registry.get_sample_value(
        "numeral_request_duration_seconds_count", {"route": "/models"}
    )
    assert counted > 8000


def test_no_event_is_lost_or_counted_twice_while_threads_add_more(metrics):
    def feed() -> None:
        for _ in range(20_000):
            metrics.decoded(1.0)

    threads = [threading.Thread(target=feed) for _ in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        metrics.flush()

    assert _value(metrics, "numeral_decode_duration_seconds_count") == 60_000
    assert _value(metrics, "numeral_decode_duration_seconds_sum") == 60_000


def test_many_values_fall_into_the_same_buckets_as_one_by_one():
    buckets = (0.1, 0.5, 1.0)
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    values = [*np.random.default_rng(1).uniform(0, 1.5, 1000).tolist(), *buckets, 0.0, 99.0]
    one_by_one = prometheus_client.Histogram("name", "help", buckets=buckets, registry=theirs)

    Histogram("name", "help", buckets=buckets, registry=ours).add(values)
    for value in values:
        one_by_one.observe(value)

    for bound in (*map(str, buckets), "+Inf"):
        names = "name_bucket", {"le": bound}
        assert ours.get_sample_value(*names) == theirs.get_sample_value(*names)
    assert ours.get_sample_value("name_sum") == pytest.approx(theirs.get_sample_value("name_sum"))


@pytest.mark.usefixtures("directory")
def test_any_worker_answers_for_all():
    first, second = _worker(), _worker()

    page = _page(first)

    second.communicate("end")
    assert 'numeral_requests_total{method="GET",route="/models",status="200"} 20.0' in page
    assert 'numeral_micro_batch_images_bucket{le="2.0",model="cnn"} 20.0' in page
    assert "numeral_requests_in_flight 6.0" in page
    assert "numeral_workers 2.0" in page
    assert 'numeral_model_info{default="true",kind="digit",model="cnn",version="1"} 1.0' in page
    drift = 'calibration="bank-a",feature="stroke",model="cnn"'
    assert f'numeral_drift_pictures{{bin="1",{drift}}} 600.0' in page
    # Two workers together have read enough pictures for an index, one has not.
    assert f"numeral_drift_psi{{{drift}}} 3.5" in page
    assert "process_resident_memory_bytes" in page or sys.platform != "linux"
    assert "pid=" not in page


def test_only_the_counts_of_dead_workers_remain_and_their_files_are_used_again(directory):
    dead, alive = _worker(), _worker()
    dead.kill()
    dead.communicate()

    page = _page(alive)

    assert 'numeral_requests_total{method="GET",route="/models",status="200"} 20.0' in page
    assert "numeral_requests_in_flight 3.0" in page
    assert "numeral_workers 1.0" in page
    assert 'numeral_drift_psi{calibration="bank-a",feature="stroke",model="cnn"} NaN' in page
    files = len(list(directory.iterdir()))
    for _ in range(3):
        page = _page(_worker())
    assert 'numeral_requests_total{method="GET",route="/models",status="200"} 50.0' in page
    assert len(list(directory.iterdir())) <= files + 3


def test_the_directory_lasts_as_long_as_the_block():
    with shared_metrics():
        directory = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
        assert directory.is_dir()

    assert not directory.exists()
    assert "PROMETHEUS_MULTIPROC_DIR" not in os.environ


def _value(metrics: Metrics, name: str, **labels: str) -> float | None:
    metrics.flush()
    return metrics.registry.get_sample_value(name, labels)


def _worker() -> subprocess.Popen[str]:
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert worker.stdout.readline() == "ready\n"
    return worker


def _page(worker: subprocess.Popen[str]) -> str:
    page, _ = worker.communicate("show")
    return page
