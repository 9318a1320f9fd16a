"""Errors and API keys on the page."""

import pytest
from playwright.sync_api import expect

from service.auth.api_keys import Role, new_key
from tests.web.hand import write

# Until somebody tries again: the page reads after each stroke, so that a later read could succeed.
UNREACHABLE = """
const reach = window.fetch;
let reachable = false;
window.fetch = (to, ...options) => {
  const lost = !reachable && String(to.url ?? to).includes("predict");
  return lost ? Promise.reject(new TypeError("Failed to fetch")) : reach(to, ...options);
};
document.addEventListener("click", ({ target }) => {
  reachable ||= target.textContent === "Try again";
}, true);
"""


def test_an_unreachable_service_is_reported_and_retried(open_page):
    page = open_page(before=UNREACHABLE)
    expect(page.get_by_role("combobox", name="Model")).to_have_value("resnet")

    write(page, page.locator("#digit canvas"), "7")
    alert = page.locator("#digit").get_by_role("alert")
    expect(alert).to_contain_text("cannot be reached")
    alert.get_by_role("button", name="Try again").click()

    expect(page.locator("#digit [data-said]")).to_have_text("7")


def test_an_error_is_shown_with_its_request_id(open_page):
    page = open_page(errors_expected=True)
    expect(page.get_by_role("combobox", name="Model")).to_have_value("resnet")
    page.locator("[data-option=model]").evaluate(
        "(each) => { each.selectedOptions[0].value = 'x'; }"
    )

    write(page, page.locator("#digit canvas"), "7")

    alert = page.locator("#digit").get_by_role("alert")
    expect(alert).to_contain_text("Unknown model")
    expect(alert).to_contain_text("Request ")


@pytest.fixture
def secured(start_ready, tmp_path):
    """A service with a key, and the key."""
    key, line = new_key("teller", Role.PREDICT)
    file = tmp_path / "keys.jsonl"
    file.write_text(line.model_dump_json() + "\n")
    return start_ready(api_keys_file=file), key


def test_a_key_is_requested_and_used(open_page, secured):
    service, key = secured
    page = open_page(url=service.url, errors_expected=True)
    field = page.get_by_label("This service requires an API key")

    field.fill("numeral_wrong")
    page.get_by_role("button", name="Use key").click()
    expect(field).to_have_value("")
    field.fill(key)
    page.get_by_role("button", name="Use key").click()
    expect(page.get_by_role("combobox", name="Model")).to_have_value("resnet")
    expect(field).to_be_hidden()
    write(page, page.locator("#digit canvas"), "7")

    expect(page.locator("#digit [data-said]")).to_have_text("7")


def test_a_key_is_stored_for_the_tab_only(open_page, secured):
    service, key = secured
    page = open_page(url=service.url, errors_expected=True)
    page.get_by_label("This service requires an API key").fill(key)
    page.get_by_role("button", name="Use key").click()
    expect(page.get_by_role("combobox", name="Model")).to_have_value("resnet")

    page.reload()
    expect(page.get_by_role("combobox", name="Model")).to_have_value("resnet")
    assert key not in page.evaluate("JSON.stringify(localStorage) + document.cookie + location")
    other = page.context.new_page()
    other.goto(service.url)
    expect(other.get_by_label("This service requires an API key")).to_be_visible()


def test_no_key_is_requested_without_need(page):
    expect(page.get_by_role("combobox", name="Model")).to_have_value("resnet")

    expect(page.get_by_label("This service requires an API key")).to_be_hidden()
