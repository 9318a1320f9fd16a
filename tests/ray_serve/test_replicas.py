"""Two replicas of Ray Serve that are one service: metrics, quotas, reloads, and the end."""

import json
import shutil
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from models.manifest import PACKAGE_DIRECTORY
from service.auth.api_keys import Role, new_key
from service.auth.quotas import Quota

QUOTA = 4
DRAIN_SECONDS = 2


@pytest.fixture(scope="module")
def keys():
    return {
        "till": new_key("till", Role.PREDICT, Quota.parse(f"{QUOTA}/day")),
        "boss": new_key("boss", Role.ADMIN),
    }


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    for file in PACKAGE_DIRECTORY.iterdir():
        if file.suffix in (".onnx", ".json"):
            shutil.copy(file, folder)
    return folder


@pytest.fixture(scope="module")
def service(on_ray, keys, models_dir, tmp_path_factory):
    file = tmp_path_factory.mktemp("keys") / "keys.jsonl"
    file.write_text("".join(f"{line.model_dump_json()}\n" for _, line in keys.values()))
    running = on_ray(
        workers=2,
        api_keys_file=file,
        models_dir=models_dir,
        log_format="json",
        drain_seconds=DRAIN_SECONDS,
    )
    running.wait_until_all_serve(2)
    return running


@pytest.fixture
def boss(service, keys):
    with httpx.Client(base_url=service.url, headers={"X-API-Key": keys["boss"][0]}) as client:
        yield client


def test_nothing_but_the_replicas_listens_to_other_machines(service):
    command = psutil.Process(service.process.pid)
    listening = [
        (process.name(), ip_address(one.laddr.ip))
        for process in (command, *command.children(recursive=True))
        for one in process.net_connections("inet")
        if one.status == psutil.CONN_LISTEN
    ]

    assert len(listening) >= 3
    elsewhere = {name for name, address in listening if not _is_here(address)}
    assert {name.partition(":numeral")[0] for name in elsewhere} <= {"ray::ServeReplica"}


def _is_here(address):
    return (getattr(address, "ipv4_mapped", None) or address).is_loopback


def test_any_replica_tells_the_metrics_of_both(service, boss):
    for _ in range(20):
        boss.get("/health/live")

    asked = {"method": "GET", "route": "/health/live", "status": "200"}
    service.wait_for(lambda: _samples(boss)["numeral_requests_total", _key(asked)] == 20)
    assert _samples(boss)["numeral_workers", _key({})] == 2


def test_replicas_count_a_quota_together(service, keys, seven):
    headers = {"X-API-Key": keys["till"][0]}

    answers = Counter(
        httpx.post(f"{service.url}/predict", content=seven, headers=headers).status_code
        for _ in range(2 * QUOTA)
    )

    assert answers == {200: QUOTA, 429: QUOTA}


def test_both_replicas_take_new_models_or_none(service, boss, models_dir):
    manifest = models_dir / "manifest.json"
    good = manifest.read_text()
    before = boss.get("/health/ready").json()
    manifest.write_text("{")
    refused = boss.post("/admin/reload")
    unchanged = [boss.get("/health/ready").json() for _ in range(10)]

    published = json.loads(good)
    published["models"] = [each for each in published["models"] if each["name"] != "mlp"]
    manifest.write_text(json.dumps(published))
    reloaded = boss.post("/admin/reload")
    changed = [boss.get("/health/ready").json() for _ in range(10)]

    assert refused.status_code == 409
    assert unchanged == [before] * 10
    assert reloaded.json()["workers"] == 2
    assert all("mlp" not in each["models"] for each in changed)


def test_lines_of_the_log_come_out_as_the_replica_wrote_them(service, boss):
    boss.get("/models", headers={"X-Request-ID": "order-66"})

    service.wait_for(lambda: "order-66" in service.log)
    [line] = [line for line in service.log.splitlines() if "order-66" in line]
    assert json.loads(line)["client"] == "127.0.0.1"


def test_who_calls_while_it_stops_is_answered_or_told_to_come_again(service, keys, seven):
    headers = {"X-API-Key": keys["boss"][0]}
    answers = Counter()

    def call_until_sent_away():
        with httpx.Client(base_url=service.url, headers=headers, timeout=60) as client:
            while (answer := client.post("/predict", content=seven)).status_code == 200:
                answers[200] += 1
        return answer

    with ThreadPoolExecutor(8) as pool:
        calling = [pool.submit(call_until_sent_away) for _ in range(8)]
        service.wait_for(lambda: answers[200] > 100)
        service.process.terminate()
        service.wait_for(lambda: httpx.get(f"{service.url}/health/ready").status_code == 503)
        last = [each.result() for each in calling]

    assert {answer.json()["type"] for answer in last} == {"/problems/stopping"}
    assert all("Retry-After" in answer.headers for answer in last)
    assert service.process.wait(60) == 0


def _samples(client):
    return {
        (sample.name, _key(sample.labels)): sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
    }


def _key(labels):
    return frozenset(labels.items())
