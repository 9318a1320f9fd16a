"""The documentation as a site: every link in it leads somewhere, and it asks nobody outside."""

import os
import re
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
    """The folder of the site, built with warnings as errors."""
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", folder],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return folder


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


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, *arguments):
        pass
