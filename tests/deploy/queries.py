"""The queries of the dashboard and the rules, and the programs of Prometheus."""

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import promql_parser as promql
import pytest
import yaml

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
RULES = sorted((DEPLOY / "prometheus" / "rules").glob("*.yml"))
DASHBOARDS = sorted((DEPLOY / "grafana" / "dashboards").glob("*.json"))

# Values for Grafana's variables.
_VARIABLES = {"$__rate_interval": "1m", "$instance": ".*", "$model": ".*"}
_LABEL_VALUES = re.compile(r"label_values\((.+), (\w+)\)")
_TEMPLATE_LABEL = re.compile(r"{{ ?(?:\$labels\.)?(\w+) ?}}")


@dataclass(frozen=True)
class Query:
    """A query and its place; `shown` are the labels in its legend."""

    where: str
    text: str
    shown: frozenset[str] = frozenset()


@dataclass
class Parsed:
    """Metrics and labels of a query.

    Attributes:
        metrics: names of series.
        labels: labels for grouping, joining or selecting.
        values: literal pairs of a label and a value.
    """

    metrics: set[str] = field(default_factory=set)
    labels: set[str] = field(default_factory=set)
    values: set[tuple[str, str]] = field(default_factory=set)


def find(name: str) -> str | None:
    """Return the path of a program, next to Python (see `make test`) or on the path."""
    folder = str(Path(sys.executable).parent)
    return shutil.which(name, path=os.pathsep.join([folder, os.environ.get("PATH", "")]))


def needs(name: str) -> pytest.MarkDecorator:
    """Skip tests if the program `name` of Prometheus is missing."""
    return pytest.mark.skipif(
        find(name) is None, reason=f"requires {name} (Debian: apt-get install prometheus)"
    )


def rules() -> Iterator[dict]:
    """Yield every rule, in order."""
    for file in RULES:
        for group in yaml.safe_load(file.read_text())["groups"]:
            yield from group["rules"]


def rule_queries() -> list[Query]:
    return [
        Query(
            rule.get("alert") or rule["record"],
            rule["expr"],
            frozenset(re.findall(r"\$labels\.(\w+)", str(rule.get("annotations", "")))),
        )
        for rule in rules()
    ]


def dashboard_queries(dashboard: dict) -> Iterator[Query]:
    """Yield the queries of panels, annotations and variables."""
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield _query(panel["title"], target["expr"], target.get("legendFormat", ""))
    for annotation in dashboard["annotations"]["list"]:
        yield _query(annotation["name"], annotation["expr"], annotation["titleFormat"])
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            [(series, label)] = _LABEL_VALUES.findall(variable["definition"])
            yield _query(f"${variable['name']}", f"group by ({label}) ({series})", "")


def all_queries() -> list[Query]:
    dashboards = [json.loads(file.read_text()) for file in DASHBOARDS]
    return rule_queries() + [query for each in dashboards for query in dashboard_queries(each)]


def parse(query: Query) -> Parsed:
    """Parse `query`.

    Raises:
        ValueError: it is not valid PromQL.
    """
    found = Parsed(labels=set(query.shown))

    def visit(node: object) -> None:
        if isinstance(node, promql.VectorSelector):
            found.metrics.add(node.name)
            for matcher in node.matchers.matchers:
                found.labels.add(matcher.name)
                if re.fullmatch(r"[\w|-]+", matcher.value):
                    found.values |= {(matcher.name, value) for value in matcher.value.split("|")}
        elif isinstance(node, promql.MatrixSelector):
            visit(node.vector_selector)
        elif isinstance(node, promql.AggregateExpr) and node.modifier:
            found.labels.update(node.modifier.labels)
        elif isinstance(node, promql.BinaryExpr) and node.modifier and node.modifier.matching:
            found.labels.update(node.modifier.matching.labels)

    promql.walk(promql.parse(query.text), visit)
    return found


def _query(where: str, text: str, legend: str) -> Query:
    for variable, value in _VARIABLES.items():
        text = text.replace(variable, value)
    return Query(where, text, frozenset(_TEMPLATE_LABEL.findall(legend)))
