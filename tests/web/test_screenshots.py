"""Screenshots for the documentation.

    PAGE_PICTURES=1 pytest tests/web/test_screenshots.py

With NUMERAL_MODELS_DIR they show other models.
"""

import os
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.web.browser import DESKTOP
from tests.web.hand import write

pytestmark = pytest.mark.skipif("PAGE_PICTURES" not in os.environ, reason="requires PAGE_PICTURES")

FOLDER = Path(__file__).parents[2] / "docs" / "page"


@pytest.fixture
def shown(open_page, start_ready):
    """The page of the published models."""
    url = start_ready().url
    return lambda tab: open_page(tab, url=url, size=DESKTOP, device_scale_factor=1.5)


def test_a_digit(shown):
    page = shown("digit")
    expect(page.get_by_role("combobox", name="Model")).to_have_value("resnet")

    write(page, page.locator("#digit canvas"), "7")

    expect(page.locator("[data-tiles] li").last).to_contain_text("accepted")
    _take(page, "draw-desktop")


def test_a_field(shown):
    page = shown("field")
    page.locator("#field").get_by_role("combobox", name="Errors allowed").select_option(index=1)

    write(page, page.locator("#field canvas"), "20714")

    expect(page.locator("#field [data-said]")).to_have_text("20714")
    _take(page, "fields-desktop")


def test_the_comparison_of_the_models(shown):
    page = shown("models")

    expect(page.get_by_role("table", name="Models for digits")).to_contain_text(" ms")
    _take(page, "models-desktop")


def _take(page, name):
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    # The bars are animated.
    page.wait_for_timeout(300)
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True)
