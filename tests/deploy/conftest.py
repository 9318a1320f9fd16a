"""Running services for the tests of metrics and probes."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from models.manifest import PACKAGE_DIRECTORY
from service.inference.calibrations import calibrate
from service.inference.catalogue import load_catalogue
from service.inference.digits import DigitOptions
from tests.conftest import copy_models
from tests.deploy.manifests import options_of, pod_of_deployment, resources, settings_of
from tests.e2e.running import RunningService, run_service
from tests.strips import bars, publish_reader


@pytest.fixture(scope="package")
def eventful_service(tmp_path_factory: pytest.TempPathFactory, seven, blank) -> Iterator[str]:
    """URL of a service that has accepted, reviewed and rejected pictures and fields.

    It audits them, which requires the extra `feedback`, and has a calibration.
    """
    pytest.importorskip("sqlalchemy", reason="requires the extra 'feedback'")
    folder: Path = tmp_path_factory.mktemp("eventful")
    models = copy_models(folder / "models")
    publish_reader(models)
    # So small a share that no picture of the tests is audited.
    audit = {"audit_rate": 1e-12, "audit_key": "a key of the tests"}
    database = f"sqlite:///{folder}/feedback.db"
    calibrations = calibrated(folder / "calibrations", seven)
    settings = {"models_dir": models, "calibrations": calibrations, **audit}
    with run_service(folder, feedback_database=database, **settings) as service:
        service.wait_until_ready()
        send_everything(service.url, seven, blank)
        yield service.url


@pytest.fixture(scope="package")
def pod_service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with the arguments and the environment of a pod, except the port."""
    [container] = pod_of_deployment(resources())["containers"]
    folder = tmp_path_factory.mktemp("pod")
    with run_service(folder, *options_of(container), **settings_of(container)) as running:
        running.wait_until_ready()
        yield running


def calibrated(folder: Path, picture: bytes) -> Path:
    """Calibrate a model on copies of a picture, and return `folder`, where the file is."""
    folder.mkdir()
    catalogue = load_catalogue(PACKAGE_DIRECTORY, "mlp")
    pipeline = catalogue.digits(DigitOptions(), max_error=0.01, max_pixels=10**6)
    readings = pipeline.read([picture] * 40)
    calibrate(readings, ["7"] * 40, name="mine", labels="x").save(folder / "mine.json")
    return folder


def send_everything(url: str, seven: bytes, blank: bytes) -> None:
    """Cause an event for each metric."""
    for route, picture in (
        ("/predict", seven),
        ("/predict", blank),
        ("/predict", b"no picture"),
        ("/fields", bars("1807")),
    ):
        httpx.post(url + route, content=picture)
