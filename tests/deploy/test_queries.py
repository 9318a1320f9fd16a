"""Dashboard and rules ask for what a running service says of itself, and for nothing else."""

from collections import defaultdict

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from tests.deploy.queries import all_queries, asked, rule_queries, rules

# What Prometheus adds to every series, and the series that are its own.
_ADDED = {"job", "instance"}
_OWN = {"up": set(), "ALERTS": {"alertname", "alertstate", "model"}}

# Labels of which all values that there may be are shown from the start.
_ENUMERATED = {"reason", "outcome", "decision", "kind", "digit"}

by_place = pytest.mark.parametrize("query", all_queries(), ids=lambda query: query.where)


@pytest.fixture(scope="module")
def exposed(eventful_service) -> dict[str, dict[str, set[str]]]:
    """For every series of a service that has seen everything: its labels with their values."""
    series: dict = defaultdict(lambda: defaultdict(set))
    for family in parse_text(httpx.get(f"{eventful_service}/metrics").text):
        for sample in family.samples:
            labels = series[sample.name]
            for name, value in sample.labels.items():
                labels[name].add(value)
    return series


@pytest.fixture(scope="module")
def labels_of(exposed):
    """The labels of a series, exposed or recorded; KeyError where there is none of that name."""
    labels = {name: set(values) for name, values in exposed.items()} | _OWN
    for record in rule_queries():
        if ":" in record.where:
            wanted = asked(record)
            labels[record.where] = set().union(*(labels.get(name, ()) for name in wanted.metrics))
    return labels


@by_place
def test_every_metric_is_exposed_with_its_labels(query, labels_of):
    wanted = asked(query)

    assert wanted.metrics
    assert wanted.metrics <= labels_of.keys()
    assert wanted.labels <= _ADDED.union(*(labels_of[name] for name in wanted.metrics))


@by_place
def test_every_value_that_is_asked_for_may_occur(query, exposed):
    possible = {
        (label, value)
        for labels in exposed.values()
        for label, values in labels.items()
        for value in values
    }

    assert {each for each in asked(query).values if each[0] in _ENUMERATED} <= possible


def test_every_query_asks_for_this_job_alone():
    """Other services beside it have `up` and `process_...` too."""
    for query in all_queries():
        wanted = asked(query)
        if not any(":" in name or name == "ALERTS" for name in wanted.metrics):
            assert ("job", "numeral") in wanted.values, query.where


def test_every_recorded_series_is_used():
    recorded = {rule["record"] for rule in rules() if "record" in rule}

    assert recorded <= set().union(*(asked(query).metrics for query in all_queries()))
