"""Every alert says what to do, and is tested."""

import re

import pytest
import yaml

from tests.deploy.queries import ROOT, rules

ALERTS = [rule for rule in rules() if "alert" in rule]
OPERATIONS = ROOT / "docs" / "operations.md"

every_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])


@every_alert
def test_an_alert_says_what_is_wrong_how_bad_and_what_to_do(alert):
    assert alert["labels"]["severity"] in ("critical", "warning")
    assert alert["annotations"]["summary"].endswith(".")
    assert alert["annotations"]["action"].endswith(".")


@every_alert
def test_an_alert_leads_to_its_section_of_the_documentation(alert):
    page, _, section = alert["annotations"]["runbook"].partition("#")

    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)

    assert section in {heading.lower().replace(" ", "-") for heading in headings}
    assert section == alert["alert"].lower()


def test_the_documentation_explains_no_alert_that_is_gone():
    explained = set(re.findall(r"^### (Numeral\w+)$", OPERATIONS.read_text(), re.MULTILINE))

    assert explained == {alert["alert"] for alert in ALERTS}


@every_alert
def test_an_alert_is_shown_to_fire(alert):
    fires = [
        case
        for file in (ROOT / "tests" / "deploy").glob("*_alerts.yml")
        for test in yaml.safe_load(file.read_text())["tests"]
        for case in test.get("alert_rule_test", []) + test.get("promql_expr_test", [])
        if alert["alert"] in str(case) and (case.get("exp_alerts") or case.get("exp_samples"))
    ]

    assert fires
