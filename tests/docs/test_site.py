"""The documentation as a site: every link in it leads somewhere, and it asks nobody outside."""

import os
import re
import shutil
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from tests.web.browser import Watch, executable, launched

pytest.importorskip("mkdocs", reason="needs the extra 'docs'")

ROOT = Path(__file__).parents[2]
PAGES = ["index.html", "house.html", "api/digits.html", "models.html"]

_LOADED = re.compile(
    r"""<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=["']?((?:https?:)?//[^"'\s>]+)"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the site."""
    folder = tmp_path_factory.mktemp("site")
    built = _build(ROOT, folder)
    assert built.returncode == 0, built.stderr
    return folder


@pytest.mark.parametrize("link", ["nowhere.md", "house.md#nowhere", "nowhere.png"])
def test_a_link_that_leads_nowhere_fails_the_build(tmp_path, link):
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    for name in ("mkdocs.yml", "CHANGELOG.md", "CONTRIBUTING.md"):
        shutil.copy(ROOT / name, tmp_path)
    with (tmp_path / "docs" / "index.md").open("a") as page:
        page.write(f"\n[a link]({link})\n")

    built = _build(tmp_path, tmp_path / "site")

    assert built.returncode != 0
    assert link.partition("#")[0] in built.stderr


def test_every_page_of_the_documentation_is_there(site):
    sources = sorted((ROOT / "docs").rglob("*.md"))

    pages = [page.relative_to(ROOT / "docs").with_suffix(".html") for page in sources]

    assert [str(page) for page in pages if not (site / page).is_file()] == []


def test_no_page_names_a_file_of_another_site(site):
    named = {page.name: _LOADED.findall(page.read_text()) for page in site.rglob("*.html")}

    assert {page: files for page, files in named.items() if files} == {}


def test_a_browser_is_sent_nowhere_else_and_finds_no_fault(site):
    path = executable()
    if path is None:
        pytest.skip("THE SITE IS NOT OPENED: apt-get install chromium, or set CHROMIUM to a path")
    serve = partial(_Quiet, directory=site)
    with ThreadingHTTPServer(("127.0.0.1", 0), serve) as server, launched(path) as browser:
        Thread(target=server.serve_forever, daemon=True).start()
        origin = f"http://127.0.0.1:{server.server_port}"
        watch = Watch(origin)
        page = browser.new_page()
        watch.over(page)
        for name in PAGES:
            page.goto(f"{origin}/{name}", wait_until="networkidle")
        page.locator(".md-search__input").click()
        page.keyboard.type("threshold", delay=20)
        page.locator(".md-search-result__item").first.wait_for()
        server.shutdown()

    assert watch.faults == []


def test_the_search_works_where_the_pages_are_opened_as_files(site):
    path = executable()
    if path is None:
        pytest.skip("THE SITE IS NOT OPENED: apt-get install chromium, or set CHROMIUM to a path")
    asked = []
    with launched(path) as browser:
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto((site / "api" / "digits.html").as_uri())
        page.locator(".md-search__input").click()
        page.keyboard.type("threshold", delay=20)
        page.locator(".md-search-result__item").first.wait_for()

    assert {url.partition(":")[0] for url in asked} <= {"file", "about", "data"}


def _build(source, site):
    """Build the site of a checkout, with warnings as errors; `--quiet` would leave them out."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", site],
        cwd=source,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *arguments):
        pass
