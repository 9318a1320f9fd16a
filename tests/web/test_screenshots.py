"""Pictures of the page for the documentation.

    PAGE_PICTURES=1 pytest tests/web/test_screenshots.py

With NUMERAL_MODELS_DIR they show the models there.
"""

import os
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from tests.web.browser import DESKTOP, PHONE
from tests.web.hand import write

pytestmark = pytest.mark.skipif(
    "PAGE_PICTURES" not in os.environ, reason="pictures are taken when PAGE_PICTURES is set"
)

FOLDER = Path(__file__).parents[2] / "docs" / "page"
each_device = pytest.mark.parametrize("device", ["desktop", "phone"])


@pytest.fixture
def shown(open_page, start_ready):
    """A page of the published models, as a device shows it."""
    url = start_ready().url

    def on(device, tab):
        if device == "desktop":
            return open_page(tab, url=url, size=DESKTOP, device_scale_factor=1.5)
        return open_page(
            tab, url=url, size=PHONE, device_scale_factor=2, is_mobile=True, has_touch=True
        )

    return on


@each_device
def test_a_seven_that_is_written(shown, device):
    page = shown(device, "digit")
    expect(page.get_by_role("combobox", name="Model")).to_have_value("resnet")

    write(page, page.locator("#digit canvas"), "7")

    expect(page.locator("[data-tiles] li").last).to_contain_text("accepted")
    _take(page, f"draw-{device}")


@each_device
def test_a_field_that_is_written(shown, device):
    page = shown(device, "field")
    published = httpx.get(f"{page.url.partition('#')[0]}models").json()
    if not published["readers"]:
        pytest.skip("no reader of fields is published")

    page.locator("#field").get_by_role("combobox", name="Errors allowed").select_option(index=1)

    write(page, page.locator("#field canvas"), "20714")

    expect(page.locator("#field [data-said]")).to_have_text("20714")
    _take(page, f"fields-{device}")


@each_device
def test_the_comparison_of_the_models(shown, device):
    page = shown(device, "models")

    expect(page.get_by_role("table", name="Models for digits")).to_contain_text(" ms")
    _take(page, f"models-{device}")


def _take(page, name):
    FOLDER.mkdir(parents=True, exist_ok=True)
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    # The bars grow for a moment.
    page.wait_for_timeout(300)
    page.screenshot(path=FOLDER / f"{name}.png", full_page=name.endswith("desktop"))
