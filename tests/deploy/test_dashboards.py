"""The dashboards that Grafana is given."""

import json

import pytest
import yaml

from tests.deploy.queries import DASHBOARDS, DEPLOY

every_dashboard = pytest.mark.parametrize("file", DASHBOARDS, ids=lambda file: file.name)
_WIDTH = 24


@every_dashboard
def test_every_panel_has_an_id_and_a_title_of_its_own(file):
    panels = json.loads(file.read_text())["panels"]

    assert panels
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len({panel["title"] for panel in panels}) == len(panels)


@every_dashboard
def test_no_panel_covers_another(file):
    taken = [
        (column, line)
        for panel in json.loads(file.read_text())["panels"]
        for column in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for line in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]

    assert max(column for column, _ in taken) < _WIDTH
    assert len(set(taken)) == len(taken)


@every_dashboard
def test_every_panel_takes_the_data_source_that_is_chosen_above(file):
    dashboard = json.loads(file.read_text())
    chosen = {"type": "prometheus", "uid": "${datasource}"}

    sources = [panel["datasource"] for panel in dashboard["panels"] if panel["type"] != "row"]
    sources += [each["datasource"] for each in dashboard["annotations"]["list"]]

    assert "datasource" in {each["name"] for each in dashboard["templating"]["list"]}
    assert all(source == chosen for source in sources)


@every_dashboard
def test_every_target_of_a_panel_has_a_letter_of_its_own(file):
    for panel in json.loads(file.read_text())["panels"]:
        letters = [target["refId"] for target in panel.get("targets", ())]

        assert len(set(letters)) == len(letters), panel["title"]


def test_rates_are_taken_over_several_scrapes():
    source = yaml.safe_load(
        (DEPLOY / "grafana/provisioning/datasources/prometheus.yml").read_text()
    )
    prometheus = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())

    [datasource] = source["datasources"]

    assert datasource["jsonData"]["timeInterval"] == prometheus["global"]["scrape_interval"]
