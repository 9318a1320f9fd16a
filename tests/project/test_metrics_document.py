"""docs/metrics.md lists exactly the metrics of the service."""

import re
import sys
from functools import partial
from pathlib import Path

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from service.drift import Distribution
from service.feedback.records import AuditResult
from service.inference.decisions import Answer, Decision, Reason
from service.metrics import Metrics

DOCUMENT = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
_ROW = re.compile(r"^\| `(\w+)` \|([^|]*)\| (.+) \|$", re.MULTILINE)


def test_the_documented_metrics_are_the_exposed_ones():
    documented = {name for name, _, _ in _ROW.findall(DOCUMENT)}
    if sys.platform != "linux":
        documented = {name for name in documented if not name.startswith("process_")}

    assert documented == set(_exposed())


def test_every_label_is_documented():
    documented = {
        name: set(re.findall(r"\w+", labels)) for name, labels, _ in _ROW.findall(DOCUMENT)
    }

    for name, labels in _exposed().items():
        assert documented[name] == labels, name


def test_queries_use_existing_metrics():
    used = set(re.findall(r"\bnumeral_\w+", DOCUMENT.partition("## Queries")[2]))
    exposed = _exposed()

    assert used
    assert {re.sub("_(bucket|count|sum)$", "", name) for name in used} <= set(exposed)


def _exposed() -> dict[str, set[str]]:
    """Return the labels of each metric."""
    metrics = Metrics()
    _record_every_event(metrics)
    page = metrics.page(accept="")[0].decode()
    return {
        metric.name + ("_total" if metric.type == "counter" else ""): {
            label for sample in metric.samples for label in sample.labels
        }
        - {"le"}
        for metric in text_string_to_metric_families(page)
    }


def _record_every_event(metrics: Metrics) -> None:
    """Record an event of each metric, because labels appear with the first one."""
    metrics.request("GET", "/models", 200, 0.001)
    metrics.rejected.labels("queue-full").inc()
    metrics.unreadable.labels("unsupported-format").inc()
    metrics.micro_batch("cnn", images=1, seconds=0.001)
    metrics.answered("cnn", [Answer(7, 0.9, np.zeros(10), Decision.REVIEW, (Reason.BLANK,))])
    stroke = {"stroke": Distribution(edges=(2.0,), pictures=(50, 50))}
    calibrated = {("cnn", "bank-a"): stroke}
    metrics.serving({"cnn": "1"}, defaults=["cnn"], failed=0, calibrated=calibrated)
    metrics.reloads.labels("success").inc()
    metrics.feedback_predictions.labels("kept").inc()
    metrics.feedback.labels("cnn", "accept", "right").inc()
    metrics.feedback_failures.labels("keep").inc()
    metrics.max_error.labels("digit").set(0.001)
    metrics.audited(partial(AuditResult.of, days=30, answers=0, errors=0))
