"""Drawn digits, the published models, running services."""

import contextlib
import inspect
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import httpx
import numpy as np
import pytest

from models.manifest import PACKAGE_DIRECTORY
from service.settings import ServingEngine, Settings
from tests.e2e.running import RunningService, run_service

if TYPE_CHECKING:
    from starlette.testclient import TestClient

Draw = Callable[..., bytes]

_TESTS = Path(__file__).parent
EXAMPLE_FORMS = _TESTS.parent / "docs" / "examples" / "forms"

# Folders with long files, which processes that share the tests begin with: otherwise one of them
# is left alone with a long file in the end.
_LONG = ("training", "export", "docs", "web", "scoring", "server", "e2e")

# A busy machine can take longer to answer than the default 5 s of httpx. Loading the certificates
# takes more than 20 ms for each client, and no test has a server with TLS.
_CLIENT_DEFAULTS = {"timeout": httpx.Timeout(60), "verify": False}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        choices=[engine.value for engine in ServingEngine],
        default=ServingEngine.PROCESSES.value,
        help="engine of every `numeral serve` that a test starts",
    )


def pytest_configure(config: pytest.Config) -> None:
    for client in (httpx.Client, httpx.AsyncClient):
        client.__init__.__kwdefaults__.update(_CLIENT_DEFAULTS)
    for name in ("request", "stream", "get", "options", "head", "post", "put", "patch", "delete"):
        inspect.unwrap(getattr(httpx, name)).__kwdefaults__.update(_CLIENT_DEFAULTS)
    config.addinivalue_line(
        "markers",
        "own_processes(reason): about the service's own processes and HTTP server; with"
        " --engine ray it is skipped, and the reason told",
    )
    if config.getoption("engine") == ServingEngine.RAY:
        os.environ["NUMERAL_ENGINE"] = ServingEngine.RAY.value
    # Background processes of scripts ignore SIGINT, and so do their children.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    rank = {folder: place for place, folder in enumerate(_LONG)}
    items.sort(key=lambda item: rank.get(item.path.relative_to(_TESTS).parts[0], len(rank)))
    if config.getoption("engine") != ServingEngine.RAY:
        return
    for item in items:
        if mark := item.get_closest_marker("own_processes"):
            item.add_marker(pytest.mark.skip(reason=f"not with Ray Serve: {mark.args[0]}"))


@pytest.fixture(scope="session")
def draw() -> Draw:
    """Draw a digit, dark on white, as the bytes of an image file."""

    def drawn(digit: int, *, suffix: str = ".png", side: int = 100) -> bytes:
        canvas = np.full((side, side), 255, np.uint8)
        origin = (round(0.25 * side), round(0.85 * side))
        scale, thickness = side / 32, max(1, side // 12)
        cv2.putText(
            canvas, str(digit), origin, cv2.FONT_HERSHEY_SIMPLEX, scale, 0, thickness, cv2.LINE_AA
        )
        return cv2.imencode(suffix, canvas)[1].tobytes()

    return drawn


@pytest.fixture(scope="session")
def seven(draw: Draw) -> bytes:
    return draw(7)


@pytest.fixture(scope="session")
def blank() -> bytes:
    return cv2.imencode(".png", np.full((60, 40), 240, np.uint8))[1].tobytes()


def copy_models(folder: Path) -> Path:
    """Copy the published models into `folder`, and return it."""
    folder.mkdir(exist_ok=True)
    for file in PACKAGE_DIRECTORY.iterdir():
        if file.suffix in (".onnx", ".json"):
            shutil.copy(file, folder)
    return folder


@pytest.fixture
def models_copy(tmp_path: Path) -> Path:
    """A copy of the published models."""
    return copy_models(tmp_path / "models")


@pytest.fixture
def app_client() -> Iterator[Callable[..., "TestClient"]]:
    """Starts the application in this process with settings of the test's own."""
    from starlette.testclient import TestClient

    from service.app import create_app

    with contextlib.ExitStack() as running:

        def started(api_keys=None, **settings: object) -> "TestClient":
            app = create_app(Settings(**settings), api_keys, load_first=True)
            return running.enter_context(TestClient(app))

        yield started


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Base URL of `numeral serve` with the published models and the example forms, ready."""
    with run_service(tmp_path_factory.mktemp("server"), forms=EXAMPLE_FORMS) as service:
        service.wait_until_ready()
        yield service.url


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., RunningService]]:
    """Start `numeral serve` with options and settings, and stop it after the test."""
    with contextlib.ExitStack() as running:

        def started(*options: str, **settings: object) -> RunningService:
            return running.enter_context(run_service(tmp_path, *options, **settings))

        yield started


@pytest.fixture
def start_ready(start: Callable[..., RunningService]) -> Callable[..., RunningService]:
    """Start `numeral serve` like `start`, and wait until all workers are ready."""

    def started(*options: str, **settings: object) -> RunningService:
        service = start(*options, **settings)
        if settings.get("workers", 1) > 1:
            service.wait_until_all_serve(settings["workers"])
        service.wait_until_ready()
        return service

    return started
