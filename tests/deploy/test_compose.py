"""docker-compose.yml: services, rights, mounts, limits."""

import re
from pathlib import PurePosixPath

import pytest
import yaml

from service.settings import Settings
from tests.deploy.queries import DEPLOY, ROOT

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
MONITORING = {"prometheus", "grafana"}

every_service = pytest.mark.parametrize("name", SERVICES)


def test_monitoring_is_a_profile():
    assert {name for name, each in SERVICES.items() if not each.get("profiles")} == {"numeral"}
    assert {name for name in SERVICES if SERVICES[name].get("profiles")} == MONITORING
    assert all(SERVICES[name]["profiles"] == ["monitoring"] for name in MONITORING)


@every_service
def test_an_image_has_an_exact_version(name):
    assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", SERVICES[name]["image"])


@every_service
def test_a_container_has_minimal_rights(name):
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["mem_limit"]
    assert service["healthcheck"]


@every_service
def test_a_port_is_open_to_this_machine_only(name):
    assert all(port.startswith("127.0.0.1:") for port in SERVICES[name]["ports"])


@every_service
def test_every_mounted_file_exists_and_is_read_only(name):
    mounts = [mount.split(":") for mount in SERVICES[name].get("volumes", ())]
    files = [mount for mount in mounts if mount[0].startswith(".")]

    assert [mount for mount in files if not (ROOT / mount[0]).is_dir()] == []
    assert [mount for mount in files if mount[2:] != ["ro"]] == []


def test_prometheus_scrapes_the_port_of_the_service():
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    [job] = config["scrape_configs"]
    [port] = SERVICES["numeral"]["ports"]

    assert job["static_configs"] == [{"targets": [f"numeral:{port.rpartition(':')[2]}"]}]


def test_grafana_finds_its_dashboards():
    provisioning = DEPLOY / "grafana" / "provisioning" / "dashboards" / "numeral.yml"
    [provider] = yaml.safe_load(provisioning.read_text())["providers"]
    mounts = dict(mount.split(":")[:2] for mount in SERVICES["grafana"]["volumes"])
    home = PurePosixPath(
        SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    )

    assert mounts["./deploy/grafana/dashboards"] == provider["options"]["path"]
    assert str(home.parent) == provider["options"]["path"]
    assert (DEPLOY / "grafana" / "dashboards" / home.name).is_file()


def test_the_service_has_time_to_finish():
    defaults = Settings()
    seconds = float(SERVICES["numeral"]["stop_grace_period"].removesuffix("s"))

    assert seconds > defaults.drain_seconds + defaults.request_timeout


def test_both_kinds_of_limits_agree():
    numeral = SERVICES["numeral"]
    limits = numeral["deploy"]["resources"]["limits"]

    assert float(limits["cpus"]) == numeral["cpus"]
    assert limits["memory"] == numeral["mem_limit"]
    assert limits["pids"] == numeral["pids_limit"]
