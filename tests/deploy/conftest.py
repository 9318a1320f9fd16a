"""A service that has seen a bit of everything."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from models.manifest import PACKAGE_DIRECTORY
from tests.e2e.running import run_service
from tests.strips import bars, publish_reader


@pytest.fixture(scope="package")
def eventful_service(tmp_path_factory: pytest.TempPathFactory, seven, blank) -> Iterator[str]:
    """The URL of a service that has read, doubted and refused pictures and fields."""
    folder: Path = tmp_path_factory.mktemp("eventful")
    models = folder / "models"
    models.mkdir()
    for file in PACKAGE_DIRECTORY.iterdir():
        if file.suffix in (".onnx", ".json"):
            shutil.copy(file, models)
    publish_reader(models)
    with run_service(folder, models_dir=models) as service:
        service.wait_until_ready()
        send_everything(service.url, seven, blank)
        yield service.url


def send_everything(url: str, seven: bytes, blank: bytes) -> None:
    """Cause an event for each metric."""
    for route, picture in (
        ("/predict", seven),
        ("/predict", blank),
        ("/predict", b"no picture"),
        ("/fields", bars("1807")),
    ):
        httpx.post(url + route, content=picture)
