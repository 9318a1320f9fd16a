"""The manifests for Kubernetes and KServe, as shipped and as built by kustomize."""

import subprocess
from pathlib import Path

import pytest
import yaml

from service.settings import ENVIRONMENT_PREFIX
from tests.deploy.queries import DEPLOY, find

KUBERNETES = DEPLOY / "kubernetes"
BASE = KUBERNETES / "base"
KSERVE = DEPLOY / "kserve" / "inference-service.yml"

needs_kubectl = pytest.mark.skipif(find("kubectl") is None, reason="requires kubectl")


def load(file: Path) -> dict:
    return yaml.safe_load(file.read_text())


def resources() -> dict[str, dict]:
    """Return the resources of the base, by kind."""
    files = load(BASE / "kustomization.yml")["resources"]
    found = [load(BASE / file) for file in files]
    return {each["kind"]: each for each in found}


def built(folder: Path) -> dict[str, dict]:
    """Return the output of `kubectl kustomize` for a folder, by kind."""
    text = subprocess.run(
        [find("kubectl"), "kustomize", folder], check=True, capture_output=True, text=True
    ).stdout
    return {each["kind"]: each for each in yaml.safe_load_all(text)}


def pod_of_deployment(found: dict[str, dict]) -> dict:
    """Return the pod specification of the Deployment."""
    return found["Deployment"]["spec"]["template"]["spec"]


def settings_of(container: dict) -> dict[str, str]:
    """Return the environment of a container as settings."""
    return {
        each["name"].removeprefix(ENVIRONMENT_PREFIX).lower(): each["value"]
        for each in container["env"]
    }


def options_of(container: dict) -> list[str]:
    """Return the options of `numeral serve` in a container."""
    assert container["args"][:2] == ["numeral", "serve"]
    return container["args"][2:]


def assert_is_restricted(pod: dict) -> None:
    """Check a pod against the Pod Security Standard `restricted`, on Linux.

    https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
    """
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    kinds = {kind for volume in pod["volumes"] for kind in volume if kind != "name"}
    assert kinds <= {"configMap", "emptyDir", "projected", "secret", "downwardAPI"}
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] != 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"] + pod.get("initContainers", []):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}
        assert not {"privileged", "procMount", "runAsNonRoot", "runAsUser"} & set(context)
        assert not any("hostPort" in port for port in container["ports"])
