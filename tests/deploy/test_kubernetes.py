"""deploy/kubernetes: valid manifests that fit each other and the service."""

import re
import subprocess

import httpx
import pytest
import yaml

from service.settings import Settings
from tests.deploy.manifests import (
    BASE,
    KUBERNETES,
    assert_is_restricted,
    built,
    load,
    needs_kubectl,
    pod_of_deployment,
    resources,
    settings_of,
)
from tests.deploy.queries import ROOT, Query, find, needs, parse

validate = pytest.importorskip("kubernetes_validate", reason="requires the extra 'test'")

# The oldest supported release, and the newest with a schema.
VERSIONS = ("1.29", validate.latest_version())

RESOURCES = resources()
TEMPLATE = RESOURCES["Deployment"]["spec"]["template"]
POD = pod_of_deployment(RESOURCES)
[CONTAINER] = POD["containers"]
SETTINGS = settings_of(CONTAINER)
AUTOSCALER = RESOURCES["HorizontalPodAutoscaler"]["spec"]
[RULE] = load(BASE / "prometheus-adapter.yml")["rules"]
COMPOSE = load(ROOT / "docker-compose.yml")["services"]["numeral"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", RESOURCES)
def test_a_manifest_fits_the_schema(kind, version):
    assert validate.validate(RESOURCES[kind], version, strict=True)


def test_every_file_is_applied_except_the_adapters_rule():
    files = {file.name for file in BASE.iterdir()} - {"kustomization.yml", "prometheus-adapter.yml"}

    assert set(load(BASE / "kustomization.yml")["resources"]) == files


@needs_kubectl
@pytest.mark.parametrize("folder", ["base", "keys"])
def test_a_built_overlay_fits_the_schema(folder):
    found = built(KUBERNETES / folder)

    assert set(found) == set(RESOURCES)
    for each in found.values():
        validate.validate(each, VERSIONS[-1], strict=True)
        assert each["metadata"].get("namespace", "numeral") == "numeral"
    assert_is_restricted(pod_of_deployment(found))
    assert pod_of_deployment(found)["containers"][0]["image"] == COMPOSE["image"]


def test_the_overlay_for_keys_mounts_their_secret():
    pod = load(KUBERNETES / "keys" / "deployment.yml")["spec"]["template"]["spec"]
    [container], [volume] = pod["containers"], pod["volumes"]
    [mount] = container["volumeMounts"]

    assert settings_of(container)["api_keys_file"] == f"{mount['mountPath']}/keys.jsonl"
    command = f"create secret generic {volume['secret']['secretName']} --from-file=keys.jsonl"
    assert command in (ROOT / "docs" / "operations.md").read_text()


def test_selectors_match_the_pods():
    labels = TEMPLATE["metadata"]["labels"]
    spread = [each["labelSelector"]["matchLabels"] for each in POD["topologySpreadConstraints"]]

    for selector in (
        RESOURCES["Service"]["spec"]["selector"],
        RESOURCES["Deployment"]["spec"]["selector"]["matchLabels"],
        RESOURCES["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        RESOURCES["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        *spread,
    ):
        assert selector.items() <= labels.items()
    assert AUTOSCALER["scaleTargetRef"]["name"] == RESOURCES["Deployment"]["metadata"]["name"]
    assert "replicas" not in RESOURCES["Deployment"]["spec"]


def test_pods_are_restricted_and_have_no_token():
    labels = RESOURCES["Namespace"]["metadata"]["labels"]

    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert_is_restricted(POD)
    assert RESOURCES["ServiceAccount"]["automountServiceAccountToken"] is False
    assert POD["automountServiceAccountToken"] is False
    assert POD["serviceAccountName"] == RESOURCES["ServiceAccount"]["metadata"]["name"]
    assert CONTAINER["securityContext"]["readOnlyRootFilesystem"] is True
    assert [mount["mountPath"] for mount in CONTAINER["volumeMounts"]] == ["/tmp"]


def test_user_and_command_are_those_of_the_image():
    dockerfile = (ROOT / "Dockerfile").read_text()
    context = POD["securityContext"]

    assert f"USER {context['runAsUser']}:{context['runAsGroup']}\n" in dockerfile
    assert f"CMD {CONTAINER['args']}\n".replace("'", '"') in dockerfile


def test_memory_and_processors_are_those_of_compose():
    limits = CONTAINER["resources"]["limits"]

    assert limits == CONTAINER["resources"]["requests"]
    assert float(limits["cpu"]) == COMPOSE["cpus"]
    # Docker's M are 2**20 bytes, like Kubernetes' Mi.
    assert limits["memory"] == f"{COMPOSE['mem_limit']}i"


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_the_service_answers_its_probes(probe, pod_service):
    request = CONTAINER[probe]["httpGet"]

    assert request["port"] == CONTAINER["ports"][0]["name"]
    assert httpx.get(pod_service.url + request["path"]).status_code == 200


def test_liveness_waits_longer_than_the_service_itself():
    probe = CONTAINER["livenessProbe"]

    assert probe["periodSeconds"] * probe["failureThreshold"] > Settings().worker_timeout


def test_a_stopped_pod_has_time_to_finish():
    settings = Settings(**SETTINGS)

    needed = settings.drain_seconds + settings.request_timeout
    assert POD["terminationGracePeriodSeconds"] >= needed + 5


def test_the_only_port_is_that_of_the_service(pod_service):
    [port] = CONTAINER["ports"]
    [offered] = RESOURCES["Service"]["spec"]["ports"]
    policy = RESOURCES["NetworkPolicy"]["spec"]
    annotations = TEMPLATE["metadata"]["annotations"]

    assert port["containerPort"] == Settings(**SETTINGS).port
    assert offered["targetPort"] == port["name"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"] == [{"ports": [{"protocol": "TCP", "port": port["name"]}]}]
    assert policy["egress"] == []
    assert annotations["prometheus.io/scrape"] == "true"
    assert annotations["prometheus.io/port"] == str(port["containerPort"])
    assert httpx.get(pod_service.url + annotations["prometheus.io/path"]).status_code == 200


def test_the_autoscaler_uses_a_metric_of_the_service_before_the_queue_is_full(pod_service):
    [pods] = [each["pods"] for each in AUTOSCALER["metrics"] if each["type"] == "Pods"]
    exposed = httpx.get(f"{pod_service.url}/metrics").text
    capacity = int(CONTAINER["resources"]["limits"]["cpu"]) * Settings(**SETTINGS).queue_size

    assert pods["metric"]["name"] == RULE["name"]["as"]
    assert parse(Query("adapter", RULE["seriesQuery"])).metrics == parse(_query()).metrics
    for metric in parse(_query()).metrics:
        assert re.search(rf"^{metric} \d", exposed, re.MULTILINE)
    assert float(pods["target"]["averageValue"]) < capacity / 2
    assert AUTOSCALER["minReplicas"] > RESOURCES["PodDisruptionBudget"]["spec"]["maxUnavailable"]


@needs("promtool")
def test_the_adapters_query_gives_each_pod_its_own_value(tmp_path):
    series = 'numeral_queue_images{{namespace="numeral", pod="numeral-{}", job="j"}}'
    values = [
        {"series": series.format(pod), "values": f"{value}x8"} for pod, value in ((1, 600), (2, 0))
    ]
    samples = [
        {"labels": f'{{pod="numeral-{pod}"}}', "value": value} for pod, value in ((1, 600), (2, 0))
    ]
    query = {"expr": _query().text, "eval_time": "1m", "exp_samples": samples}
    test = {"interval": "15s", "input_series": values, "promql_expr_test": [query]}
    file = tmp_path / "adapter.yml"
    file.write_text(yaml.safe_dump({"tests": [test]}))

    command = [find("promtool"), "test", "rules", file]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


def _query() -> Query:
    """Return the adapter's query with its placeholders filled in."""
    text = RULE["metricsQuery"]
    for placeholder, value in (
        ("<<.Series>>", re.match(r"\w+", RULE["seriesQuery"])[0]),
        ("<<.LabelMatchers>>", 'namespace="numeral",pod=~"numeral-1|numeral-2"'),
        ("<<.GroupBy>>", "pod"),
    ):
        text = text.replace(placeholder, value)
    return Query("adapter", text)
