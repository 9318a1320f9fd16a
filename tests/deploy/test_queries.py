"""Dashboard and rules use only metrics that a running service exposes."""

import json
from collections import defaultdict

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.deploy.queries import DASHBOARDS, DEPLOY, all_queries, parse, rule_queries, rules

# Labels that Prometheus adds to every series, and its own series.
_ADDED = {"job", "instance"}
_OWN = {"up": set(), "ALERTS": {"alertname", "alertstate", "model"}}

# Labels whose possible values are all exposed from the start.
_ENUMERATED = {"reason", "outcome", "decision", "kind", "digit"}
_WIDTH = 24

by_place = pytest.mark.parametrize("query", all_queries(), ids=lambda query: query.where)
every_dashboard = pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.name)


@pytest.fixture(scope="module")
def exposed(eventful_service) -> dict[str, dict[str, set[str]]]:
    """The series of a service, with the labels and values of each."""
    series: dict = defaultdict(lambda: defaultdict(set))
    for family in parse_text(httpx.get(f"{eventful_service}/metrics").text):
        for sample in family.samples:
            labels = series[sample.name]
            for name, value in sample.labels.items():
                labels[name].add(value)
    return series


@pytest.fixture(scope="module")
def labels_of(exposed):
    """The labels of each exposed or recorded series."""
    labels = {name: set(values) for name, values in exposed.items()} | _OWN
    for record in rule_queries():
        if ":" in record.where:
            metrics = parse(record).metrics
            labels[record.where] = set().union(*(labels.get(name, ()) for name in metrics))
    return labels


@by_place
def test_every_metric_is_exposed_with_its_labels(query, labels_of):
    parsed = parse(query)

    assert parsed.metrics
    assert parsed.metrics <= labels_of.keys()
    assert parsed.labels <= _ADDED.union(*(labels_of[name] for name in parsed.metrics))


@by_place
def test_every_value_in_a_query_is_possible(query, exposed):
    possible = {
        (label, value)
        for labels in exposed.values()
        for label, values in labels.items()
        for value in values
    }

    assert {each for each in parse(query).values if each[0] in _ENUMERATED} <= possible


def test_every_query_selects_the_job():
    """Other services also have `up` and `process_...`."""
    for query in all_queries():
        parsed = parse(query)
        if not any(":" in name or name == "ALERTS" for name in parsed.metrics):
            assert ("job", "numeral") in parsed.values, query.where


def test_every_recorded_series_is_used():
    recorded = {rule["record"] for rule in rules() if "record" in rule}

    assert recorded <= set().union(*(parse(query).metrics for query in all_queries()))


@every_dashboard
def test_panels_are_unique_and_do_not_overlap(file):
    panels = json.loads(file.read_text())["panels"]
    cells = [
        (column, line)
        for place in (panel["gridPos"] for panel in panels)
        for column in range(place["x"], place["x"] + place["w"])
        for line in range(place["y"], place["y"] + place["h"])
    ]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)
    assert max(column for column, _ in cells) < _WIDTH
    assert len(set(cells)) == len(cells)


@every_dashboard
def test_every_panel_uses_the_selected_data_source(file):
    dashboard = json.loads(file.read_text())
    selected = {"type": "prometheus", "uid": "${datasource}"}
    sources = [panel["datasource"] for panel in dashboard["panels"] if panel["type"] != "row"]
    sources += [each["datasource"] for each in dashboard["annotations"]["list"]]

    assert "datasource" in {each["name"] for each in dashboard["templating"]["list"]}
    assert all(source == selected for source in sources)


def test_the_data_source_knows_the_scrape_interval():
    source = DEPLOY / "grafana" / "provisioning" / "datasources" / "prometheus.yml"
    [datasource] = yaml.safe_load(source.read_text())["datasources"]
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())

    assert datasource["jsonData"]["timeInterval"] == config["global"]["scrape_interval"]
