"""deploy/kserve: an InferenceService that speaks the protocol of /v2.

KServe's own package cannot be installed beside the service's, and its schema is too large to copy:
what KServe adds to a pod is named here, and the rest, a pod as Kubernetes knows it, is validated.
"""

import httpx
import pytest

from service.settings import Settings
from tests.deploy.manifests import (
    KSERVE,
    assert_is_restricted,
    load,
    options_of,
    pod_of_deployment,
    resources,
    settings_of,
)
from tests.deploy.queries import ROOT
from tests.e2e.running import run_service

validate = pytest.importorskip("kubernetes_validate", reason="needs the extra 'test'")

# Of V1beta1PredictorSpec in KServe 0.21, those that we set and Kubernetes does not know.
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


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    """A service, started with the container's arguments and environment but for the port."""
    folder = tmp_path_factory.mktemp("predictor")
    with run_service(folder, *options_of(CONTAINER), **settings_of(CONTAINER)) as running:
        running.wait_until_ready()
        yield running


def test_it_is_an_inference_service_of_one_predictor():
    assert SERVICE["apiVersion"] == "serving.kserve.io/v1beta1"
    assert SERVICE["kind"] == "InferenceService"
    assert set(SERVICE["spec"]) == {"predictor"}
    # KServe knows the container that answers by this name.
    assert CONTAINER["name"] == "kserve-container"


def test_what_is_not_kserves_own_is_a_pod():
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": SERVICE["metadata"], "spec": POD}

    assert validate.validate(pod, validate.latest_version(), strict=True)
    assert_is_restricted(POD)


def test_it_scales_by_the_processor():
    types = {name: type(PREDICTOR[name]) for name in KSERVE_FIELDS}

    assert types == KSERVE_FIELDS
    assert PREDICTOR["scaleMetric"] == "cpu"
    assert 0 < PREDICTOR["minReplicas"] <= PREDICTOR["maxReplicas"]


def test_its_container_is_that_of_the_deployment():
    [deployed] = pod_of_deployment(resources())["containers"]

    assert CONTAINER["image"] == load(ROOT / "docker-compose.yml")["services"]["numeral"]["image"]
    for part in ("args", "env", "resources", "securityContext", "volumeMounts"):
        assert CONTAINER[part] == deployed[part]
    assert POD["securityContext"] == pod_of_deployment(resources())["securityContext"]


def test_kserve_waits_as_long_as_a_request_may_take():
    settings = Settings(**settings_of(CONTAINER))
    needed = settings.drain_seconds + settings.request_timeout

    assert PREDICTOR["timeout"] >= settings.request_timeout
    assert PREDICTOR["terminationGracePeriodSeconds"] >= needed + 5


@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
def test_the_service_answers_its_probes_by_the_protocol(probe, service):
    asked = CONTAINER[probe]["httpGet"]

    assert asked["port"] == CONTAINER["ports"][0]["containerPort"] == Settings().port
    assert asked["path"].startswith("/v2/health/")
    assert httpx.get(service.url + asked["path"]).status_code == 200
