"""A real browser with the page of a running service."""

import contextlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from models.manifest import PACKAGE_DIRECTORY
from tests.e2e.running import RunningService, run_service
from tests.strips import publish_reader
from tests.web.browser import DESKTOP, Watch, executable, launched

OpenPage = Callable[..., Page]


# Not for the session, because asyncio.run does not work in other tests while Playwright runs.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = executable()
    if path is None:
        pytest.skip("requires Chromium (Debian: apt-get install chromium), or its path in CHROMIUM")
    with launched(path) as browser:
        yield browser


@pytest.fixture(scope="package")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    """A service with the published models and a reader of bars."""
    pytest.importorskip("onnx")
    folder = tmp_path_factory.mktemp("web")
    for file in PACKAGE_DIRECTORY.iterdir():
        if file.suffix in (".onnx", ".json"):
            shutil.copy(file, folder)
    publish_reader(folder)
    with run_service(folder, models_dir=folder) as running:
        running.wait_until_ready()
        yield running


@pytest.fixture
def open_page(browser: Browser, service: RunningService) -> Iterator[OpenPage]:
    """Opens the page, and checks in the end that it had no faults."""
    with contextlib.ExitStack() as opened:

        def opened_page(
            tab: str = "digit",
            *,
            url: str = service.url,
            size: dict[str, int] = DESKTOP,
            errors_expected: bool = False,
            before: str = "",
            **context: object,
        ) -> Page:
            context = browser.new_context(viewport=size, **context)
            opened.callback(context.close)
            page = context.new_page()
            watch = Watch(url, errors_expected)
            watch.over(page)
            opened.callback(lambda: _expect_no_faults(watch))
            if before:
                page.add_init_script(before)
            page.goto(f"{url}/#/{tab}")
            return page

        yield opened_page


@pytest.fixture
def page(open_page: OpenPage) -> Page:
    return open_page()


@pytest.fixture
def pictures(tmp_path: Path, seven: bytes) -> Path:
    """A folder with seven.png."""
    (tmp_path / "seven.png").write_bytes(seven)
    return tmp_path


def _expect_no_faults(watch: Watch) -> None:
    assert watch.faults == []
