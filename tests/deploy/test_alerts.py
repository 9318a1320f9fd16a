"""The rules of Prometheus: every alert is documented, tested, and fires when it should."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.deploy.queries import DEPLOY, ROOT, RULES, find, needs, rules

ALERTS = [rule for rule in rules() if "alert" in rule]
CASES = sorted((ROOT / "tests" / "deploy").glob("*_alerts.yml"))
OPERATIONS = ROOT / "docs" / "operations.md"

every_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert["alert"])


@every_alert
def test_an_alert_has_a_severity_a_summary_an_action_and_a_runbook(alert):
    page, _, section = alert["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)

    assert alert["labels"]["severity"] in ("critical", "warning")
    assert alert["annotations"]["summary"].endswith(".")
    assert alert["annotations"]["action"].endswith(".")
    assert section in {heading.lower().replace(" ", "-") for heading in headings}
    assert section == alert["alert"].lower()


def test_the_documentation_has_no_other_alerts():
    documented = set(re.findall(r"^### (Numeral\w+)$", OPERATIONS.read_text(), re.MULTILINE))

    assert documented == {alert["alert"] for alert in ALERTS}


@every_alert
def test_an_alert_has_a_test_in_which_it_fires(alert):
    assert [
        case
        for file in CASES
        for test in yaml.safe_load(file.read_text())["tests"]
        for case in test.get("alert_rule_test", []) + test.get("promql_expr_test", [])
        if alert["alert"] in str(case) and (case.get("exp_alerts") or case.get("exp_samples"))
    ]


@needs("promtool")
def test_the_configuration_is_valid():
    _promtool("check", "config", DEPLOY / "prometheus" / "prometheus.yml")


@needs("promtool")
@pytest.mark.parametrize("file", RULES, ids=lambda file: file.name)
def test_the_rules_are_valid(file):
    _promtool("check", "rules", "--lint=all", "--lint-fatal", file)


@needs("promtool")
@pytest.mark.parametrize("file", CASES, ids=lambda file: file.name)
def test_the_alerts_fire_when_they_should(file):
    _promtool("test", "rules", file)


def _promtool(*arguments: str | Path) -> None:
    command = [find("promtool"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    assert done.returncode == 0, done.stdout + done.stderr
