"""Relative links in the Markdown pages."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "clients").rglob("*.md")]
)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_has_a_target(page):
    links = re.findall(r"\]\(([^)#]+)", page.read_text())
    relative = [link for link in links if "://" not in link]

    assert [link for link in relative if not (page.parent / link).exists()] == []
