"""`GET /metrics` of a running service."""

import httpx
import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from models.manifest import PACKAGE_DIRECTORY, load_manifest
from service.version import version
from tests.e2e.running import run_service, wait_for

MANIFEST = load_manifest(PACKAGE_DIRECTORY)


def test_requests_are_counted_by_route_and_problem(start_ready, seven):
    service = start_ready()
    url, model = service.url, MANIFEST.default
    for _ in range(3):
        httpx.post(f"{url}/predict", content=seven)
    httpx.post(f"{url}/predict", content=b"no picture")
    httpx.head(f"{url}/models/{model}")
    httpx.get(f"{url}/v2/models/{model}/ready")
    for path in ("/a", "/b", "/v2/c", "/models/d/e"):
        httpx.get(f"{url}{path}")

    samples = _samples(url)

    def requests(method, route, status):
        labels = {"method": method, "route": route, "status": status}
        return samples["numeral_requests_total", _key(labels)]

    assert requests("POST", "/predict", "200") == 3
    assert requests("POST", "/predict", "422") == 1
    assert requests("HEAD", "/models/{name}", "200") == 1
    assert requests("GET", "/v2/models/{name}/ready", "200") == 1
    assert requests("GET", "unknown", "404") == 4
    assert samples["numeral_request_duration_seconds_count", _key({"route": "/predict"})] == 4
    assert samples["numeral_requests_in_flight", _key({})] == 1
    assert samples["numeral_rejected_total", _key({"reason": "not-found"})] == 4
    assert samples["numeral_rejected_total", _key({"reason": "unsupported-format"})] == 1
    assert samples["numeral_unreadable_images_total", _key({"type": "unsupported-format"})] == 1


@pytest.mark.own_processes("replicas share a folder of their own")
def test_processes_that_share_a_directory_answer_for_each_other(tmp_path, monkeypatch):
    folders = [tmp_path / name for name in ("first", "second", "metrics")]
    for folder in folders:
        folder.mkdir()
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(folders[2]))
    asked = (
        "numeral_requests_total",
        _key({"method": "GET", "route": "/health/live", "status": "200"}),
    )
    with run_service(folders[0]) as first, run_service(folders[1]) as second:
        for service in (first, first, second):
            service.wait_until_ready()
            httpx.get(f"{service.url}/health/live")

        wait_for(lambda: _samples(first.url).get(asked) == 3)
        wait_for(lambda: _samples(second.url).get(asked) == 3)
        assert _samples(first.url)["numeral_workers", _key({})] == 2


def test_the_models_and_the_version_are_named(server):
    samples = _samples(server)

    published = (*MANIFEST.models, *MANIFEST.readers)
    defaults = (MANIFEST.default, MANIFEST.readers[0].name)
    for card in published:
        labels = {
            "model": card.name,
            "version": card.version,
            "default": str(card.name in defaults).lower(),
            "kind": "field" if card in MANIFEST.readers else "digit",
        }
        assert samples["numeral_model_info", _key(labels)] == 1
    assert samples["numeral_models_loaded", _key({})] == len(published)
    assert any(
        name == "numeral_build_info" and dict(labels)["version"] == version()
        for name, labels in samples
    )


def test_the_accept_header_chooses_the_format(server):
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"

    openmetrics = httpx.get(f"{server}/metrics", headers={"Accept": accept})
    text = httpx.head(f"{server}/metrics")

    assert openmetrics.headers["Content-Type"].startswith("application/openmetrics-text")
    names = {family.name for family in parse_openmetrics(openmetrics.text)}
    assert "numeral_models_loaded" in names
    assert text.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"


def _samples(url: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    text = httpx.get(f"{url}/metrics").text
    return {
        (sample.name, _key(sample.labels)): sample.value
        for family in parse_text(text)
        for sample in family.samples
    }


def _key(labels: dict[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())
