"""deploy/kubernetes: a pod does what the service really does, and may do nothing else."""

import httpx
import pytest

from service.settings import Settings
from tests.deploy.manifests import (
    assert_is_restricted,
    load,
    pod_of_deployment,
    resources,
    settings_of,
)
from tests.deploy.queries import ROOT

RESOURCES = resources()
POD = pod_of_deployment(RESOURCES)
[CONTAINER] = POD["containers"]
AUTOSCALER = RESOURCES["HorizontalPodAutoscaler"]["spec"]
COMPOSE = load(ROOT / "docker-compose.yml")["services"]["numeral"]


def test_the_pods_keep_to_the_standard_that_their_namespace_enforces():
    labels = RESOURCES["Namespace"]["metadata"]["labels"]

    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert_is_restricted(POD)


def test_a_container_can_write_to_nothing_but_its_folder_for_temporary_files():
    assert CONTAINER["securityContext"]["readOnlyRootFilesystem"] is True
    assert [mount["mountPath"] for mount in CONTAINER["volumeMounts"]] == ["/tmp"]
    [volume] = POD["volumes"]
    assert volume["emptyDir"] == {"medium": "Memory", "sizeLimit": "64Mi"}


def test_no_pod_is_given_a_token():
    assert RESOURCES["ServiceAccount"]["automountServiceAccountToken"] is False
    assert POD["automountServiceAccountToken"] is False
    assert POD["serviceAccountName"] == RESOURCES["ServiceAccount"]["metadata"]["name"]


def test_it_runs_as_the_image_does():
    dockerfile = (ROOT / "Dockerfile").read_text()
    context = POD["securityContext"]

    assert f"USER {context['runAsUser']}:{context['runAsGroup']}\n" in dockerfile
    assert f"CMD {CONTAINER['args']}\n".replace("'", '"') in dockerfile


def test_every_variable_is_a_setting():
    assert set(settings_of(CONTAINER)) <= set(Settings.model_fields)
    assert Settings(**settings_of(CONTAINER))


def test_memory_and_processors_are_those_of_compose():
    limits = CONTAINER["resources"]["limits"]

    assert limits == CONTAINER["resources"]["requests"]
    assert float(limits["cpu"]) == COMPOSE["cpus"]
    # Docker's M are 2**20 bytes, as Kubernetes' Mi are.
    assert limits["memory"] == f"{COMPOSE['mem_limit']}i"


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_the_service_answers_its_probes(probe, pod_service):
    asked_for = CONTAINER[probe]["httpGet"]

    assert asked_for["port"] == CONTAINER["ports"][0]["name"]
    assert httpx.get(pod_service.url + asked_for["path"]).status_code == 200


def test_kubernetes_restarts_a_pod_only_after_the_service_has_tried_to_mend_itself():
    probe = CONTAINER["livenessProbe"]

    assert probe["periodSeconds"] * probe["failureThreshold"] > Settings().worker_timeout


def test_a_pod_that_is_stopped_may_finish_what_it_has_begun():
    settings = Settings(**settings_of(CONTAINER))

    needed = settings.drain_seconds + settings.request_timeout
    assert POD["terminationGracePeriodSeconds"] >= needed + 5


def test_all_ports_are_the_one_on_which_the_service_listens():
    [listening] = CONTAINER["ports"]
    [offered] = RESOURCES["Service"]["spec"]["ports"]
    annotations = RESOURCES["Deployment"]["spec"]["template"]["metadata"]["annotations"]

    assert listening["containerPort"] == Settings(**settings_of(CONTAINER)).port
    assert offered["targetPort"] == listening["name"]
    assert annotations["prometheus.io/port"] == str(listening["containerPort"])


def test_prometheus_finds_metrics_where_it_is_told_to_look(pod_service):
    annotations = RESOURCES["Deployment"]["spec"]["template"]["metadata"]["annotations"]

    assert annotations["prometheus.io/scrape"] == "true"
    assert httpx.get(pod_service.url + annotations["prometheus.io/path"]).status_code == 200


def test_only_the_port_lets_anything_in_and_nothing_goes_out():
    policy = RESOURCES["NetworkPolicy"]["spec"]

    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert policy["ingress"] == [
        {"ports": [{"protocol": "TCP", "port": CONTAINER["ports"][0]["name"]}]}
    ]
    assert policy["egress"] == []


def test_a_node_can_be_drained_while_others_answer():
    assert AUTOSCALER["minReplicas"] > RESOURCES["PodDisruptionBudget"]["spec"]["maxUnavailable"]
