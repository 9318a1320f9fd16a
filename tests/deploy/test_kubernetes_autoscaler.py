"""deploy/kubernetes: the autoscaler and the rule that gives it its metric."""

import re
import subprocess

import httpx
import yaml

from service.settings import Settings
from tests.deploy.manifests import (
    BASE,
    load,
    pod_of_deployment,
    resources,
    settings_of,
)
from tests.deploy.queries import Query, asked
from tests.deploy.tools import find, needs

RESOURCES = resources()
[CONTAINER] = pod_of_deployment(RESOURCES)["containers"]
AUTOSCALER = RESOURCES["HorizontalPodAutoscaler"]["spec"]
[RULE] = load(BASE / "prometheus-adapter.yml")["rules"]


def test_the_autoscaler_looks_at_a_metric_that_the_service_has(pod_service):
    [pods] = [each["pods"] for each in AUTOSCALER["metrics"] if each["type"] == "Pods"]
    exposed = httpx.get(f"{pod_service.url}/metrics").text

    assert pods["metric"]["name"] == RULE["name"]["as"]
    assert asked(Query("adapter", RULE["seriesQuery"])).metrics == asked(_query()).metrics
    for metric in asked(_query()).metrics:
        assert re.search(rf"^{metric} \d", exposed, re.MULTILINE)


def test_the_autoscaler_acts_before_the_queue_is_full():
    [pods] = [each["pods"] for each in AUTOSCALER["metrics"] if each["type"] == "Pods"]
    workers = int(CONTAINER["resources"]["limits"]["cpu"])

    room = workers * Settings(**settings_of(CONTAINER)).queue_size
    assert float(pods["target"]["averageValue"]) < room / 2


@needs("promtool", "QUERY OF THE ADAPTER")
def test_the_query_of_the_adapter_gives_each_pod_its_own(tmp_path):
    series = 'numeral_queue_images{{namespace="numeral", pod="numeral-{}", job="j"}}'
    test = {
        "tests": [
            {
                "interval": "15s",
                "input_series": [
                    {"series": series.format(1), "values": "600x8"},
                    {"series": series.format(2), "values": "0x8"},
                ],
                "promql_expr_test": [
                    {
                        "expr": _query().text,
                        "eval_time": "1m",
                        "exp_samples": [
                            {"labels": '{pod="numeral-1"}', "value": 600},
                            {"labels": '{pod="numeral-2"}', "value": 0},
                        ],
                    }
                ],
            }
        ],
    }
    file = tmp_path / "adapter.yml"
    file.write_text(yaml.safe_dump(test))

    done = subprocess.run(
        [find("promtool"), "test", "rules", file], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def _query() -> Query:
    """The query of the adapter's rule with its placeholders filled in as the adapter does."""
    text = RULE["metricsQuery"]
    for placeholder, value in (
        ("<<.Series>>", re.match(r"\w+", RULE["seriesQuery"])[0]),
        ("<<.LabelMatchers>>", 'namespace="numeral",pod=~"numeral-1|numeral-2"'),
        ("<<.GroupBy>>", "pod"),
    ):
        text = text.replace(placeholder, value)
    return Query("adapter", text)
