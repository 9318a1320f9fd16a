"""deploy/kserve: an InferenceService with the protocol of /v2.

KServe's package conflicts with the service's, and its schema is too large to copy: its fields are
listed here, and the rest is validated as a pod.
"""

import httpx
import pytest

from service.settings import Settings
from tests.deploy.manifests import (
    KSERVE,
    assert_is_restricted,
    load,
    pod_of_deployment,
    resources,
    settings_of,
)
from tests.deploy.queries import ROOT

validate = pytest.importorskip("kubernetes_validate", reason="requires the extra 'test'")

# Fields of V1beta1PredictorSpec in KServe 0.21 that a pod does not have.
KSERVE_FIELDS = {
    "minReplicas": int,
    "maxReplicas": int,
    "scaleMetric": str,
    "scaleTarget": int,
    "timeout": int,
}

SERVICE = load(KSERVE)
PREDICTOR = SERVICE["spec"]["predictor"]
POD = {name: value for name, value in PREDICTOR.items() if name not in KSERVE_FIELDS}
[CONTAINER] = PREDICTOR["containers"]


def test_it_is_an_inference_service_that_scales_by_the_processor():
    assert SERVICE["apiVersion"] == "serving.kserve.io/v1beta1"
    assert SERVICE["kind"] == "InferenceService"
    assert set(SERVICE["spec"]) == {"predictor"}
    assert {name: type(PREDICTOR[name]) for name in KSERVE_FIELDS} == KSERVE_FIELDS
    assert PREDICTOR["scaleMetric"] == "cpu"
    assert 0 < PREDICTOR["minReplicas"] <= PREDICTOR["maxReplicas"]
    # The name that KServe expects.
    assert CONTAINER["name"] == "kserve-container"


def test_the_other_fields_are_a_restricted_pod():
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": SERVICE["metadata"], "spec": POD}

    assert validate.validate(pod, validate.latest_version(), strict=True)
    assert_is_restricted(POD)


def test_the_container_is_that_of_the_deployment():
    deployment = pod_of_deployment(resources())
    [deployed] = deployment["containers"]

    assert CONTAINER["image"] == load(ROOT / "docker-compose.yml")["services"]["numeral"]["image"]
    for name in ("args", "env", "resources", "securityContext", "volumeMounts"):
        assert CONTAINER[name] == deployed[name]
    assert POD["securityContext"] == deployment["securityContext"]


def test_timeouts_cover_those_of_the_service():
    settings = Settings(**settings_of(CONTAINER))
    needed = settings.drain_seconds + settings.request_timeout

    assert PREDICTOR["timeout"] >= settings.request_timeout
    assert PREDICTOR["terminationGracePeriodSeconds"] >= needed + 5


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_the_service_answers_its_probes(probe, pod_service):
    request = CONTAINER[probe]["httpGet"]

    assert request["port"] == CONTAINER["ports"][0]["containerPort"] == Settings().port
    assert request["path"].startswith("/v2/health/")
    assert httpx.get(pod_service.url + request["path"]).status_code == 200
