"""A real Prometheus with the shipped configuration, and a real service."""

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import yaml

from tests.deploy.conftest import send_everything
from tests.deploy.queries import DASHBOARDS, DEPLOY, RULES, dashboard_queries, find, needs
from tests.e2e.running import wait_for

pytestmark = needs("prometheus")

# Empty until a day has passed, or something is wrong.
_EMPTY_AT_FIRST = re.compile(r"day_before|drift|offset 1d|ALERTS|> 0")


@pytest.fixture(scope="module")
def prometheus(eventful_service, tmp_path_factory) -> Iterator[str]:
    """URL of a Prometheus that scrapes the service every second."""
    folder: Path = tmp_path_factory.mktemp("prometheus")
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    [job] = config["scrape_configs"]
    job["static_configs"] = [{"targets": [eventful_service.removeprefix("http://")]}]
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    (folder / "rules").mkdir()
    for file in RULES:
        # Without the groups' own intervals, which are up to a minute.
        text = re.sub(r"^ +interval: .+\n", "", file.read_text(), flags=re.MULTILINE)
        (folder / "rules" / file.name).write_text(text)
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                find("prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                "--web.listen-address=127.0.0.1:0",
            ],
            stdout=log,
            stderr=log,
        )
    try:
        yield _url(process, folder / "log")
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def watched(prometheus, eventful_service, seven, blank) -> str:
    """URL of `prometheus`, after it has scraped some requests."""

    def seen(query: str) -> bool:
        return bool(_result(prometheus, query))

    wait_for(lambda: seen('count_over_time(up{job="numeral"}[1m]) >= 1'))
    send_everything(eventful_service, seven, blank)
    wait_for(lambda: seen('sum(rate(numeral_reasons_total{reason="blank"}[1m])) > 0'))
    wait_for(lambda: seen("model_digit:numeral_digits:hour > 0"))
    return prometheus


def test_the_service_is_up(watched):
    assert [sample["value"][1] for sample in _result(watched, 'up{job="numeral"}')] == ["1"]


def test_every_rule_can_be_evaluated(watched):
    def states() -> set[str]:
        groups = httpx.get(f"{watched}/api/v1/rules").json()["data"]["groups"]
        return {rule["health"] for group in groups for rule in group["rules"]}

    wait_for(lambda: "unknown" not in states())

    assert states() == {"ok"}


def test_no_alert_fires(watched):
    assert _result(watched, 'ALERTS{alertstate="firing"}') == []


@pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.name)
def test_every_panel_has_data(file, watched):
    empty = [
        query.where
        for query in dashboard_queries(json.loads(file.read_text()))
        if not _EMPTY_AT_FIRST.search(query.text) and not _result(watched, query.text)
    ]

    assert empty == []


def _result(url: str, query: str) -> list[dict]:
    answer = httpx.get(f"{url}/api/v1/query", params={"query": query}).json()
    assert answer["status"] == "success", (query, answer)
    return answer["data"]["result"]


def _url(process: subprocess.Popen[bytes], log: Path) -> str:
    def address() -> str | None:
        assert process.poll() is None, log.read_text()
        found = re.search(r'msg="Listening on".* address=(\S+)', log.read_text())
        return found and found[1]

    wait_for(address, log.read_text)
    url = f"http://{address()}"
    wait_for(lambda: httpx.get(f"{url}/-/ready").status_code == 200)
    return url
