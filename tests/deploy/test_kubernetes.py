"""deploy/kubernetes: its files are Kubernetes' own, and fit each other."""

import pytest

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
from tests.deploy.queries import ROOT

validate = pytest.importorskip("kubernetes_validate", reason="needs the extra 'test'")

# The oldest release that we answer for, and the newest whose schemas there are.
VERSIONS = ("1.29", validate.latest_version())

RESOURCES = resources()
POD = pod_of_deployment(RESOURCES)
[CONTAINER] = POD["containers"]
LABELS = RESOURCES["Deployment"]["spec"]["template"]["metadata"]["labels"]
AUTOSCALER = RESOURCES["HorizontalPodAutoscaler"]["spec"]
COMPOSE = load(ROOT / "docker-compose.yml")["services"]["numeral"]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("kind", RESOURCES)
def test_a_manifest_fits_the_schema_of_kubernetes(kind, version):
    assert validate.validate(RESOURCES[kind], version, strict=True)


def test_the_schema_knows_a_misspelt_field():
    misspelt = RESOURCES["Service"] | {"spec": {"selectors": {}}}

    with pytest.raises(validate.ValidationError, match="selectors"):
        validate.validate(misspelt, VERSIONS[-1], strict=True)


def test_every_file_is_applied_but_the_rule_for_the_adapter():
    files = {file.name for file in BASE.iterdir()} - {"kustomization.yml", "prometheus-adapter.yml"}

    assert set(load(BASE / "kustomization.yml")["resources"]) == files


@needs_kubectl
@pytest.mark.parametrize("folder", ["base", "keys"])
def test_what_kustomize_builds_fits_the_schema(folder):
    found = built(KUBERNETES / folder)

    assert set(found) == set(RESOURCES)
    for each in found.values():
        validate.validate(each, VERSIONS[-1], strict=True)
        assert each["metadata"].get("namespace", "numeral") == "numeral"
    assert_is_restricted(pod_of_deployment(found))


@needs_kubectl
def test_the_image_is_the_one_that_compose_builds():
    [container] = pod_of_deployment(built(BASE))["containers"]

    assert container["image"] == COMPOSE["image"]


@needs_kubectl
def test_with_keys_their_file_lies_in_a_secret_that_is_mounted():
    pod = pod_of_deployment(built(KUBERNETES / "keys"))
    [container] = pod["containers"]
    [mount] = [each for each in container["volumeMounts"] if each["name"] == "keys"]
    [volume] = [each for each in pod["volumes"] if each["name"] == "keys"]

    assert settings_of(container)["api_keys_file"] == f"{mount['mountPath']}/keys.jsonl"
    made = f"create secret generic {volume['secret']['secretName']} --from-file=keys.jsonl"
    assert made in (ROOT / "docs" / "kubernetes.md").read_text()
    assert settings_of(CONTAINER).items() <= settings_of(container).items()


def test_whoever_chooses_pods_chooses_ours():
    spread = [each["labelSelector"]["matchLabels"] for each in POD["topologySpreadConstraints"]]

    assert RESOURCES["Service"]["spec"]["selector"].items() <= LABELS.items()
    for chosen in (
        RESOURCES["Deployment"]["spec"]["selector"]["matchLabels"],
        RESOURCES["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        RESOURCES["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"],
        *spread,
    ):
        assert chosen.items() <= LABELS.items()
    assert AUTOSCALER["scaleTargetRef"]["name"] == RESOURCES["Deployment"]["metadata"]["name"]
    assert "replicas" not in RESOURCES["Deployment"]["spec"]
