"""docker-compose.yml: services, rights, mounts, limits."""

import re
from pathlib import PurePosixPath

import pytest
import yaml

from service.settings import Settings
from tests.deploy.queries import DEPLOY, ROOT

SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
NUMERAL = SERVICES["numeral"]
MONITORING = {"prometheus", "grafana"}


def test_monitoring_is_a_profile():
    assert SERVICES.keys() - MONITORING == {"numeral"}
    assert "profiles" not in NUMERAL
    assert all(SERVICES[name]["profiles"] == ["monitoring"] for name in MONITORING)


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_a_container_has_an_exact_version_and_minimal_rights(service):
    mounts = [mount.split(":") for mount in service.get("volumes", ())]
    files = [mount for mount in mounts if mount[0].startswith(".")]

    assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", service["image"])
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["healthcheck"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert all((ROOT / mount[0]).is_dir() and mount[2:] == ["ro"] for mount in files)


def test_prometheus_scrapes_the_port_of_the_service():
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    [job] = config["scrape_configs"]
    [port] = NUMERAL["ports"]

    assert job["static_configs"] == [{"targets": [f"numeral:{port.rpartition(':')[2]}"]}]


def test_grafana_finds_its_dashboards():
    provisioning = DEPLOY / "grafana" / "provisioning" / "dashboards" / "numeral.yml"
    [provider] = yaml.safe_load(provisioning.read_text())["providers"]
    grafana = SERVICES["grafana"]
    mounts = dict(mount.split(":")[:2] for mount in grafana["volumes"])
    home = PurePosixPath(grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])

    assert mounts["./deploy/grafana/dashboards"] == provider["options"]["path"] == str(home.parent)
    assert (DEPLOY / "grafana" / "dashboards" / home.name).is_file()


def test_the_service_has_time_to_finish():
    seconds = float(NUMERAL["stop_grace_period"].removesuffix("s"))

    assert seconds > Settings().drain_seconds + Settings().request_timeout


def test_both_kinds_of_limits_agree():
    limits = NUMERAL["deploy"]["resources"]["limits"]

    assert float(limits["cpus"]) == NUMERAL["cpus"]
    assert (limits["memory"], limits["pids"]) == (NUMERAL["mem_limit"], NUMERAL["pids_limit"])
