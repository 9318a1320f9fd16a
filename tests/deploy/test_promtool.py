"""Prometheus' own opinion of its configuration, and of when the alerts fire."""

import subprocess
from pathlib import Path

import pytest

from tests.deploy.queries import DEPLOY, ROOT, RULES
from tests.deploy.tools import find, needs

pytestmark = needs("promtool", "ALERT")


def test_the_configuration_is_valid():
    _promtool("check", "config", DEPLOY / "prometheus" / "prometheus.yml")


@pytest.mark.parametrize("file", RULES, ids=lambda file: file.name)
def test_the_rules_are_valid(file):
    _promtool("check", "rules", "--lint=all", "--lint-fatal", file)


@pytest.mark.parametrize(
    "file", sorted((ROOT / "tests" / "deploy").glob("*_alerts.yml")), ids=lambda file: file.name
)
def test_the_alerts_fire_when_they_should_and_only_then(file):
    _promtool("test", "rules", file)


def _promtool(*arguments: str | Path) -> None:
    finished = subprocess.run(
        [find("promtool"), *arguments], capture_output=True, text=True, check=False, timeout=120
    )

    assert finished.returncode == 0, finished.stdout + finished.stderr
