"""What a person is told when something is in the way."""

import pytest
from playwright.sync_api import expect

from service.auth.api_keys import Role, new_key
from tests.web.hand import write


def test_a_service_that_is_gone_is_told_of_and_tried_again(open_page, start_ready):
    service = start_ready()
    page = open_page(url=service.url, refusals=True)
    expect(page.get_by_role("combobox", name="Model")).to_have_value("resnet")
    page.route("**/predict*", lambda route: route.abort())

    write(page, page.locator("#digit canvas"), "7")
    alert = page.locator("#digit").get_by_role("alert")
    expect(alert).to_contain_text("cannot be reached")
    page.unroute("**/predict*")
    alert.get_by_role("button", name="Try again").click()

    expect(page.locator("#digit [data-said]")).to_have_text("7")


def test_an_error_of_the_service_is_told_with_the_request_that_it_was(open_page):
    page = open_page(refusals=True)
    expect(page.get_by_role("combobox", name="Model")).to_have_value("resnet")
    page.locator("[data-wish=model]").evaluate("(each) => { each.selectedOptions[0].value = 'x'; }")

    write(page, page.locator("#digit canvas"), "7")

    alert = page.locator("#digit").get_by_role("alert")
    expect(alert).to_contain_text("Unknown model")
    expect(alert).to_contain_text("Request ")


@pytest.fixture
def guarded(start_ready, tmp_path):
    """A service with a key, and the key."""
    key, line = new_key("teller", Role.PREDICT)
    file = tmp_path / "keys.jsonl"
    file.write_text(line.model_dump_json() + "\n")
    return start_ready(api_keys_file=file), key


def test_a_key_is_asked_for_and_used(open_page, guarded):
    service, key = guarded
    page = open_page(url=service.url, refusals=True)
    field = page.get_by_label("This service asks for an API key")

    field.fill("numeral_wrong")
    page.get_by_role("button", name="Use it").click()
    expect(field).to_have_value("")
    field.fill(key)
    page.get_by_role("button", name="Use it").click()
    expect(page.get_by_role("combobox", name="Model")).to_have_value("resnet")
    expect(field).to_be_hidden()
    write(page, page.locator("#digit canvas"), "7")

    expect(page.locator("#digit [data-said]")).to_have_text("7")


def test_a_key_is_kept_for_the_tab_alone(open_page, guarded):
    service, key = guarded
    page = open_page(url=service.url, refusals=True)
    page.get_by_label("This service asks for an API key").fill(key)
    page.get_by_role("button", name="Use it").click()
    expect(page.get_by_role("combobox", name="Model")).to_have_value("resnet")

    page.reload()
    expect(page.get_by_role("combobox", name="Model")).to_have_value("resnet")
    assert key not in page.evaluate("JSON.stringify(localStorage) + document.cookie + location")
    other = page.context.new_page()
    other.goto(service.url)
    expect(other.get_by_label("This service asks for an API key")).to_be_visible()


def test_no_key_is_asked_for_where_none_is_needed(page):
    expect(page.get_by_role("combobox", name="Model")).to_have_value("resnet")

    expect(page.get_by_label("This service asks for an API key")).to_be_hidden()
