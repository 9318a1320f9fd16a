"""Accessibility of the page, checked with axe."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.strips import bars
from tests.web.browser import DESKTOP, PHONE
from tests.web.hand import write

each_look = pytest.mark.parametrize("scheme", ["light", "dark"])
each_size = pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])


@each_look
@each_size
def test_an_answer_for_a_digit_is_accessible(open_page, scheme, size):
    page = open_page(size=size, color_scheme=scheme)
    _expect_accessible(page)

    write(page, page.locator("#digit canvas"), "7")
    expect(page.locator("[data-tiles] li").last).to_contain_text("accepted")

    _expect_accessible(page)


@each_look
@each_size
def test_an_answer_for_a_field_is_accessible(open_page, tmp_path, scheme, size):
    (tmp_path / "field.png").write_bytes(bars("#?4", height=80))
    page = open_page("field", size=size, color_scheme=scheme)

    page.locator("#field [data-file=choose]").set_input_files(tmp_path / "field.png")
    expect(page.get_by_text("Alternatives")).to_be_visible()

    _expect_accessible(page)


@each_look
@each_size
def test_the_comparison_of_the_models_is_accessible(open_page, scheme, size):
    page = open_page("models", size=size, color_scheme=scheme)
    expect(page.get_by_role("table", name="Models for digits")).to_contain_text(" ms")

    _expect_accessible(page)


@each_look
def test_an_error_and_the_question_for_a_key_are_accessible(open_page, tmp_path, scheme):
    page = open_page(color_scheme=scheme, errors_expected=True)
    (tmp_path / "letter.png").write_text("not an image")
    page.locator("#digit [data-file=choose]").set_input_files(tmp_path / "letter.png")
    page.locator("#key").evaluate("(form) => { form.hidden = false; }")
    expect(page.locator("#digit").get_by_role("alert")).to_be_visible()

    _expect_accessible(page)


def _expect_accessible(page):
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
