"""`numeral serve --engine ray`: the same API from several replicas that are one service."""

import inspect
import json
import socket
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import ValidationError

from service.auth.api_keys import ApiKeys, Role, new_key
from service.auth.quotas import Quota
from service.ray_cluster import NoCluster, prepare_ray
from service.server.ray import app, refusal
from service.settings import ServingEngine, Settings
from tests.conftest import copy_models
from tests.e2e import test_batch, test_errors, test_predict, test_requests
from tests.e2e.command import numeral
from tests.e2e.running import run_service

QUOTA = 4
NO_KEYS = ApiKeys(())
WITH_QUOTA = ApiKeys((new_key("till", Role.PREDICT, Quota.parse("1/day"))[1],))


@pytest.fixture(scope="module")
def keys():
    return {
        "till": new_key("till", Role.PREDICT, Quota.parse(f"{QUOTA}/day")),
        "admin": new_key("admin", Role.ADMIN),
    }


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory):
    return copy_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def service(keys, models_dir, tmp_path_factory):
    pytest.importorskip("ray.serve", reason="Ray Serve, of the extra scale, is not installed")
    folder = tmp_path_factory.mktemp("ray")
    file = folder / "keys.jsonl"
    file.write_text("".join(f"{line.model_dump_json()}\n" for _, line in keys.values()))
    with run_service(
        folder,
        engine="ray",
        workers=2,
        api_keys_file=file,
        models_dir=models_dir,
        log_format="json",
        drain_seconds=2,
    ) as running:
        running.wait_until_ready()
        running.wait_until_all_serve(2)
        yield running


@pytest.fixture
def admin(service, keys):
    headers = {"X-API-Key": keys["admin"][0]}
    with httpx.Client(base_url=service.url, headers=headers, timeout=60) as client:
        yield client


def test_only_replicas_listen_to_other_machines(service):
    command = psutil.Process(service.process.pid)
    listening = [
        (process.name(), ip_address(one.laddr.ip))
        for process in (command, *command.children(recursive=True))
        for one in process.net_connections("inet")
        if one.status == psutil.CONN_LISTEN
    ]

    assert len(listening) >= 3
    elsewhere = {name for name, address in listening if not _is_here(address)}
    assert {name.partition(":")[0] for name in elsewhere} <= {"ray"}
    assert all("ServeReplica" in name for name in elsewhere)


def _is_here(address):
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def test_any_replica_tells_the_metrics_of_both(service, admin):
    for _ in range(20):
        admin.get("/health/live")

    asked = {"method": "GET", "route": "/health/live", "status": "200"}
    service.wait_for(lambda: _samples(admin)["numeral_requests_total", _key(asked)] == 20)
    assert _samples(admin)["numeral_workers", _key({})] == 2


def test_replicas_count_a_quota_together(service, keys, seven):
    headers = {"X-API-Key": keys["till"][0]}

    answers = Counter(
        httpx.post(f"{service.url}/predict", content=seven, headers=headers, timeout=60).status_code
        for _ in range(2 * QUOTA)
    )

    assert answers == {200: QUOTA, 429: QUOTA}


def test_both_replicas_take_new_models_and_none_takes_broken_ones(admin, models_dir):
    manifest = models_dir / "manifest.json"
    good = manifest.read_text()
    before = admin.get("/health/ready").json()
    manifest.write_text("{")
    refused = admin.post("/admin/reload")
    unchanged = [admin.get("/health/ready").json() for _ in range(10)]

    published = json.loads(good)
    published["models"] = [each for each in published["models"] if each["name"] != "mlp"]
    manifest.write_text(json.dumps(published))
    reloaded = admin.post("/admin/reload")
    changed = [admin.get("/health/ready").json() for _ in range(10)]

    assert refused.status_code == 409
    assert unchanged == [before] * 10
    assert reloaded.json()["workers"] == 2
    assert all("mlp" not in each["models"] for each in changed)


def test_an_answer_has_one_request_id_that_its_log_line_has_too(service, admin):
    answer = admin.get("/models", headers={"X-Request-ID": "order-66"})

    assert answer.headers.get_list("X-Request-ID") == ["order-66"]
    service.wait_for(lambda: "order-66" in service.log)
    [line] = [line for line in service.log.splitlines() if "order-66" in line]
    assert json.loads(line)["client"] == "127.0.0.1"


def test_requests_are_answered_until_it_has_drained(service, keys, seven):
    """The last test of this service."""
    headers = {"X-API-Key": keys["admin"][0]}
    answers = Counter()

    def call_until_sent_away():
        with httpx.Client(base_url=service.url, headers=headers, timeout=60) as client:
            while (status := client.post("/predict", content=seven).status_code) == 200:
                answers[200] += 1
        answers[status] += 1

    with ThreadPoolExecutor(4) as pool:
        calling = [pool.submit(call_until_sent_away) for _ in range(4)]
        service.wait_for(lambda: answers[200] > 50)
        service.process.terminate()
        service.wait_for(lambda: httpx.get(f"{service.url}/health/ready").status_code == 503)
        for each in calling:
            each.result()

    assert service.process.wait(60) == 0
    # Once Ray Serve has taken the service away, its proxy answers by itself.
    assert answers.keys() <= {200, 404, 503}


class TestSameApi:
    """The tests of the HTTP API, as they are."""

    @pytest.fixture(scope="class")
    @classmethod
    def server(cls, tmp_path_factory):
        pytest.importorskip("ray.serve", reason="Ray Serve, of the extra scale, is not installed")
        with run_service(tmp_path_factory.mktemp("ray"), engine="ray") as service:
            service.wait_until_ready()
            yield service.url


def _add_tests_of(module):
    for name, test in vars(module).items():
        marks = {mark.name for mark in getattr(test, "pytestmark", ())}
        if name.startswith("test_") and "own_processes" not in marks:
            wanted = inspect.signature(test).parameters.keys()
            # Nothing but a service, and no fixtures of that module's own.
            if "server" in wanted and not wanted & vars(module).keys():
                setattr(TestSameApi, f"{name}_{module.__name__[-8:]}", staticmethod(test))


for _module in (test_predict, test_batch, test_requests, test_errors):
    _add_tests_of(_module)


@pytest.mark.parametrize(
    ("settings", "api_keys", "named"),
    [
        ({"workers": 1, "min_workers": 2}, NO_KEYS, "NUMERAL_MIN_WORKERS"),
        ({"ray_address": "auto", "feedback": True}, NO_KEYS, "NUMERAL_FEEDBACK_DATABASE"),
        ({"ray_address": "auto"}, WITH_QUOTA, "NUMERAL_API_KEYS_FILE"),
        ({"feedback": True}, WITH_QUOTA, None),
        ({"ray_address": "auto"}, NO_KEYS, None),
        ({"ray_address": "auto", "feedback_database": "postgresql://db/x"}, NO_KEYS, None),
    ],
)
def test_what_a_cluster_cannot_share_is_refused(settings, api_keys, named):
    why = refusal(Settings(**settings), api_keys)
    assert (named in why) if named else (why is None)


def test_a_config_file_is_refused_what_a_cluster_cannot_share(monkeypatch):
    monkeypatch.setenv("NUMERAL_FEEDBACK", "true")
    # What Kubernetes sets for a Service named numeral.
    monkeypatch.setenv("NUMERAL_PORT", "tcp://10.0.0.1:8000")

    with pytest.raises(ValueError, match="NUMERAL_FEEDBACK_DATABASE"):
        app({})


def test_a_refusal_ends_the_command_before_ray_starts():
    pytest.importorskip("ray", reason="Ray, of the extra scale, is not installed")

    ended = numeral("serve", "--engine", "ray", "--port", "0", "--workers", 1, "--min-workers", 2)

    assert ended.returncode == 2
    assert b"NUMERAL_MIN_WORKERS is 2" in ended.stderr


def test_a_cluster_that_does_not_listen_is_named():
    pytest.importorskip("ray", reason="Ray, of the extra scale, is not installed")
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"

        ended = numeral("serve", "--engine", "ray", "--port", "0", "--ray-address", address)

    assert (ended.returncode, address.encode() in ended.stderr) == (1, True), ended.stderr


@pytest.mark.parametrize("address", ["127.0.0.1:99999", f"{64 * 'a'}.example:6379"])
def test_an_address_that_cannot_be_is_no_cluster(address):
    pytest.importorskip("ray", reason="Ray, of the extra scale, is not installed")
    with pytest.raises(NoCluster, match="ray status"):
        prepare_ray(address)


def test_without_the_extra_it_says_which_one_is_missing(monkeypatch):
    monkeypatch.setattr("service.extras.find_spec", lambda _: None)

    with pytest.raises(ValidationError, match=r"pip install -e '\.\[scale\]'"):
        Settings(engine=ServingEngine.RAY)


@pytest.mark.parametrize("module", ["service.cli", "service.app", "service.server.ray"])
def test_nothing_imports_ray_before_it_is_asked_for(module):
    ended = subprocess.run(
        [sys.executable, "-c", f"import sys, {module}; sys.exit('ray' in sys.modules)"],
        check=False,
    )

    assert ended.returncode == 0


def _samples(client):
    return {
        (sample.name, _key(sample.labels)): sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
    }


def _key(labels):
    return frozenset(labels.items())
