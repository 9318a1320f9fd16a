"""The metrics of one process."""

import threading
from collections import namedtuple

import numpy as np
import prometheus_client
import pytest
from prometheus_client import CollectorRegistry

from service.metrics import Histogram, Metrics

Answer = namedtuple("Answer", "text confidence decision reasons")

ACCEPTED = Answer("7", 0.9999, "accept", ())
DOUBTED = Answer("1", 0.6, "review", ("low_confidence", "several_digits"))
BLANK = Answer(None, 0.0, "review", ("blank",))


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def test_a_micro_batch_is_counted_by_its_model(metrics):
    metrics.micro_batch("resnet", images=3, seconds=0.25)
    metrics.micro_batch("resnet", images=5, seconds=0.25)

    assert _value(metrics, "numeral_micro_batch_images_sum", model="resnet") == 8
    assert _value(metrics, "numeral_micro_batch_images_count", model="resnet") == 2
    assert _value(metrics, "numeral_infer_duration_seconds_sum", model="resnet") == 0.5


def test_answers_are_counted_by_decision_and_reason(metrics):
    metrics.answered("cnn", [ACCEPTED, DOUBTED, BLANK])

    assert _value(metrics, "numeral_images_total", model="cnn", decision="accept") == 1
    assert _value(metrics, "numeral_images_total", model="cnn", decision="review") == 2
    for reason in ("low_confidence", "several_digits", "blank"):
        assert _value(metrics, "numeral_reasons_total", model="cnn", reason=reason) == 1


def test_a_blank_image_has_no_confidence_to_count(metrics):
    metrics.answered("cnn", [ACCEPTED, BLANK])

    assert _value(metrics, "numeral_confidence_count", model="cnn") == 1
    assert _value(metrics, "numeral_confidence_sum", model="cnn") == pytest.approx(0.9999)


def test_every_digit_of_an_answer_is_counted(metrics):
    metrics.answered("cnn", [ACCEPTED, DOUBTED, BLANK])
    metrics.answered("reader", [Answer("177", 0.99, "accept", ())])

    assert _value(metrics, "numeral_digits_total", model="cnn", digit="7") == 1
    assert _value(metrics, "numeral_digits_total", model="reader", digit="1") == 1
    assert _value(metrics, "numeral_digits_total", model="reader", digit="7") == 2


def test_the_steps_of_the_work_are_timed(metrics):
    metrics.decoded(0.125)
    metrics.normalised(0.25)
    metrics.waited([0.5, 0.5])

    assert _value(metrics, "numeral_decode_duration_seconds_sum") == 0.125
    assert _value(metrics, "numeral_normalise_duration_seconds_sum") == 0.25
    assert _value(metrics, "numeral_queue_wait_seconds_count") == 2


def test_a_request_is_counted_by_method_route_and_status(metrics):
    metrics.request("POST", "/predict", 200, 0.5)

    labels = {"method": "POST", "route": "/predict", "status": "200"}
    assert _value(metrics, "numeral_requests_total", **labels) == 1
    assert _value(metrics, "numeral_request_duration_seconds_sum", route="/predict") == 0.5


def test_unknown_methods_share_a_series(metrics):
    for method in ("BREW", "WHEN"):
        metrics.request(method, "/predict", 405, 0.5)

    labels = {"method": "other", "route": "/predict", "status": "405"}
    assert _value(metrics, "numeral_requests_total", **labels) == 2


def test_errors_are_counted_by_their_kind(metrics):
    metrics.rejected("queue-full")
    metrics.unreadable("unsupported-format")
    metrics.reloaded("failure")

    assert _value(metrics, "numeral_rejected_total", reason="queue-full") == 1
    assert _value(metrics, "numeral_unreadable_images_total", type="unsupported-format") == 1
    assert _value(metrics, "numeral_reloads_total", outcome="failure") == 1


def test_the_queue_is_read_at_every_scrape(metrics):
    waiting = []
    metrics.watch_queue(lambda: len(waiting), limit=256)
    waiting += [1, 2, 3]

    assert _value(metrics, "numeral_queue_images") == 3
    assert _value(metrics, "numeral_queue_limit_images") == 256


def test_a_model_that_was_replaced_is_no_longer_served(metrics):
    metrics.serving({"cnn": "old", "mlp": "same"}, defaults=["cnn"], failed=1)
    metrics.serving({"cnn": "new", "mlp": "same"}, defaults=["cnn"], failed=0)

    assert _info(metrics, model="cnn", version="old", default="true") == 0
    assert _info(metrics, model="cnn", version="new", default="true") == 1
    assert _info(metrics, model="mlp", version="same", default="false") == 1
    assert _value(metrics, "numeral_models_loaded") == 2
    assert _value(metrics, "numeral_models_failed") == 0


def test_a_field_reader_has_a_kind_of_its_own(metrics):
    metrics.serving({"cnn": "1", "reader": "2"}, defaults=["cnn"], failed=0, readers=["reader"])

    assert _info(metrics, model="cnn", version="1", default="true", kind="digit") == 1
    assert _info(metrics, model="reader", version="2", default="false", kind="field") == 1


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
            metrics.rejected("queue-full")

    threads = [threading.Thread(target=feed) for _ in range(3)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        metrics.flush()

    assert _value(metrics, "numeral_decode_duration_seconds_count") == 60_000
    assert _value(metrics, "numeral_decode_duration_seconds_sum") == 60_000
    assert _value(metrics, "numeral_rejected_total", reason="queue-full") == 60_000


def test_many_values_fall_into_the_same_buckets_as_one_by_one():
    buckets = (0.1, 0.5, 1.0)
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    values = [*np.random.default_rng(1).uniform(0, 1.5, 1000).tolist(), *buckets, 0.0, 99.0]
    together = Histogram("name", "help", buckets=buckets, registry=ours)
    one_by_one = prometheus_client.Histogram("name", "help", buckets=buckets, registry=theirs)

    together.add(values)
    for value in values:
        one_by_one.observe(value)

    assert _buckets(ours) == _buckets(theirs)
    assert ours.get_sample_value("name_sum") == pytest.approx(theirs.get_sample_value("name_sum"))


def _value(metrics: Metrics, name: str, **labels: str) -> float | None:
    metrics.flush()
    return metrics.registry.get_sample_value(name, labels)


def _info(metrics: Metrics, **labels: str) -> float | None:
    return _value(metrics, "numeral_model_info", **({"kind": "digit"} | labels))


def _buckets(registry: CollectorRegistry) -> dict[str, float]:
    [metric] = registry.collect()
    return {
        sample.labels["le"]: sample.value
        for sample in metric.samples
        if sample.name == "name_bucket"
    }
