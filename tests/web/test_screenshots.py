"""Screenshots for the documentation.

    PAGE_PICTURES=1 pytest tests/web/test_screenshots.py

With NUMERAL_MODELS_DIR they show other models.
"""

import os
from pathlib import Path

import cv2
import httpx
import pytest
from playwright.sync_api import expect

from service.auth.api_keys import Role, new_key
from tests.web.browser import DESKTOP, PHONE
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


@pytest.mark.parametrize(("name", "size"), [("desktop", DESKTOP), ("phone", PHONE)])
def test_the_review(open_page, start_ready, tmp_path, name, size):
    key, line = new_key("ann", Role.ADMIN)
    file = tmp_path / "keys.jsonl"
    file.write_text(line.model_dump_json())
    database = f"sqlite:///{tmp_path}/feedback.db"
    stored = {"feedback_images": True, "feedback_pages": True}
    service = start_ready(api_keys_file=file, feedback_database=database, **stored)
    amount = cv2.imread(str(FOLDER.parent / "amount.png"), cv2.IMREAD_GRAYSCALE)
    blurred = cv2.imencode(".png", cv2.GaussianBlur(amount, None, 3))[1].tobytes()
    for number in range(12):
        headers = {"X-API-Key": key, "X-Request-ID": f"cheque-{117 + number}"}
        httpx.post(f"{service.url}/fields", content=blurred, headers=headers, timeout=60)
    before = f"sessionStorage.setItem('numeral-key', '{key}')"
    page = open_page("review", url=service.url, size=size, before=before, device_scale_factor=1.5)

    for number in range(4):
        expect(page.locator("[data-origin]")).to_contain_text(f"cheque-{117 + number}")
        expect(page.get_by_alt_text("The picture as it was sent")).to_be_visible()
        # Somebody takes a moment to look.
        page.wait_for_timeout(1000)
        page.keyboard.press("Enter")
    expect(page.locator("#review")).to_contain_text("4 reviewed")
    expect(page.get_by_alt_text("The picture as it was sent")).to_be_visible()
    _take(page, f"review-{name}")


@pytest.mark.parametrize(("name", "size"), [("desktop", DESKTOP), ("phone", PHONE)])
def test_a_form(open_page, start_ready, name, size):
    examples = FOLDER.parent / "examples"
    page = open_page("forms", url=start_ready().url, size=size, device_scale_factor=1.5)
    choose = page.locator("#forms [data-file]")
    choose.set_input_files(examples / "forms" / "giro.yaml")
    expect(page.locator("[data-yaml]")).to_contain_text("donation")

    choose.set_input_files([examples / "photos" / f"giro-{number}.jpg" for number in (1, 2)])
    expect(page.get_by_role("button", name="Add a box")).to_be_enabled(timeout=60_000)
    page.get_by_role("button", name="Read the pages").click()
    expect(page.get_by_role("list", name="What was read")).to_contain_text(
        "total: ", timeout=60_000
    )
    page.get_by_label("Chosen").select_option("total")
    _take(page, f"forms-{name}")


def _take(page, name):
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")
    # The bars are animated.
    page.wait_for_timeout(300)
    page.screenshot(path=FOLDER / f"{name}.png", full_page=True)
