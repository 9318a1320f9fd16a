"""The documentation site: its links work, and it loads nothing from other hosts."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.web.browser import executable, launched

pytest.importorskip("mkdocs", reason="requires the extra 'docs'")

ROOT = Path(__file__).parents[2]
PAGES = ["index.html", "architecture.html", "api.html", "models.html"]

_LOADED = re.compile(
    r"""<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=["']?((?:https?:)?//[^"'\s>]+)"""
)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The built site."""
    folder = tmp_path_factory.mktemp("site")
    built = _build(ROOT, folder)
    assert built.returncode == 0, built.stderr
    return folder


def test_broken_links_fail_the_build(tmp_path):
    links = ("nowhere.md", "api.md#nowhere", "nowhere.png")
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    with (tmp_path / "docs" / "index.md").open("a") as page:
        page.writelines(f"\n[a link]({link})\n" for link in links)

    built = _build(tmp_path, tmp_path / "site")

    assert built.returncode != 0
    assert [link for link in links if link not in built.stderr] == []


def test_every_page_is_built_and_loads_nothing_from_other_hosts(site):
    sources = [page.relative_to(ROOT / "docs") for page in (ROOT / "docs").rglob("*.md")]
    missing = [page for page in sources if not (site / page.with_suffix(".html")).is_file()]
    loaded = {page.name: _LOADED.findall(page.read_text()) for page in site.rglob("*.html")}

    assert missing == []
    assert {page: files for page, files in loaded.items() if files} == {}


def test_pages_work_as_files_with_search_and_without_the_network(site):
    path = executable()
    if path is None:
        pytest.skip("the site is opened in Chromium: install it, or set CHROMIUM to its path")
    requested, errors = [], []
    with launched(path) as browser:
        page = browser.new_page()
        page.on("request", lambda request: requested.append(request.url))
        page.on("pageerror", lambda error: errors.append(str(error)))
        for name in PAGES:
            page.goto((site / name).as_uri())
        page.locator(".md-search__input").click()
        page.keyboard.type("threshold", delay=20)
        page.locator(".md-search-result__item").first.wait_for()

    assert {url.partition(":")[0] for url in requested} <= {"file", "about", "data"}
    assert errors == []


def _build(source, site):
    """Build the site of a checkout, with warnings as errors."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", site],
        cwd=source,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
