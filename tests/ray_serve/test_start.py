"""The start of `numeral serve --engine ray`: what it refuses, and that nothing else needs Ray."""

import socket
import subprocess
import sys

import pytest
from pydantic import ValidationError

from service.auth.api_keys import ApiKeys, Role, new_key
from service.auth.quotas import Quota
from service.ray_reach import NoCluster, reach
from service.ray_serve.deployment import app
from service.ray_serve.refusals import refusal
from service.settings import ServingEngine, Settings
from tests.e2e.command import numeral

NO_KEYS = ApiKeys(())
WITH_QUOTA = ApiKeys((new_key("till", Role.PREDICT, Quota.parse("1/day"))[1],))


@pytest.mark.parametrize(
    ("settings", "access", "named"),
    [
        ({"workers": 1, "min_workers": 2}, NO_KEYS, "NUMERAL_MIN_WORKERS"),
        ({"ray_address": "auto", "feedback": True}, NO_KEYS, "NUMERAL_FEEDBACK_DATABASE"),
        ({"ray_address": "auto"}, WITH_QUOTA, "NUMERAL_API_KEYS_FILE"),
    ],
)
def test_what_cannot_be_had_on_a_cluster_is_refused(settings, access, named):
    settings = Settings(**settings)
    assert named in refusal(settings, access, joins=settings.ray_address is not None)


@pytest.mark.parametrize(
    ("settings", "access"),
    [
        ({"feedback": True}, WITH_QUOTA),
        ({"ray_address": "auto"}, NO_KEYS),
        ({"ray_address": "auto", "feedback_database": "postgresql://db/feedback"}, NO_KEYS),
    ],
)
def test_what_can_be_had_is_not(settings, access):
    settings = Settings(**settings)
    assert refusal(settings, access, joins=settings.ray_address is not None) is None


def test_a_config_file_is_refused_what_cannot_be_had_on_a_cluster(monkeypatch):
    monkeypatch.setenv("NUMERAL_FEEDBACK", "true")
    # What Kubernetes sets for a Service named numeral.
    monkeypatch.setenv("NUMERAL_PORT", "tcp://10.0.0.1:8000")

    with pytest.raises(ValueError, match="NUMERAL_FEEDBACK_DATABASE"):
        app({})


def test_a_refusal_ends_the_command_before_ray_starts():
    pytest.importorskip("ray", reason="Ray, of the extra scale, is not installed")

    ended = numeral(
        *("serve", "--engine", "ray", "--port", "0", "--workers", "1", "--min-workers", "2")
    )

    assert ended.returncode == 2
    assert b"NUMERAL_MIN_WORKERS is 2 and NUMERAL_WORKERS, the most, is 1" in ended.stderr


def test_a_cluster_that_nobody_listens_for_is_named():
    pytest.importorskip("ray", reason="Ray, of the extra scale, is not installed")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"

        ended = numeral("serve", "--engine", "ray", "--port", "0", "--ray-address", address)

    assert (ended.returncode, address in ended.stderr.decode()) == (1, True), ended.stderr


@pytest.mark.parametrize("address", ["127.0.0.1:99999", f"{64 * 'a'}.example:6379"])
def test_an_address_that_cannot_be_is_no_cluster(address):
    with pytest.raises(NoCluster, match="ray status"):
        reach(address)


def test_without_the_extra_it_says_which_one_is_missing(monkeypatch):
    monkeypatch.setattr("service.extras.find_spec", lambda _: None)

    with pytest.raises(ValidationError, match=r"pip install -e '\.\[scale\]'"):
        Settings(engine=ServingEngine.RAY)


@pytest.mark.parametrize("module", ["service.cli", "service.app", "service.ray_serve.running"])
def test_nothing_imports_ray_before_it_is_asked_for(module):
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; sys.exit('ray' in sys.modules)"],
        check=False,
    )

    assert ended.returncode == 0
