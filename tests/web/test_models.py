"""The tab that compares the models."""

import httpx
import pytest
from playwright.sync_api import expect


@pytest.fixture
def published(service):
    return httpx.get(f"{service.url}/models").json()


def test_every_model_is_compared(open_page, service, published):
    page = open_page("models")
    rows = _rows(page, "Models for digits")

    expect(rows).to_have_count(len(published["models"]))
    for place, model in enumerate(published["models"]):
        row = rows.nth(place)
        expect(row.get_by_role("rowheader")).to_contain_text(model["title"])
        expect(row).to_contain_text(f"{100 * model['accuracy']:.2f}")
        expect(row).to_contain_text(f"{model['parameters']:,}")
        low, high = model["accuracy_interval"]["low"], model["accuracy_interval"]["high"]
        expect(row).to_contain_text(f"{100 * low:.2f} to {100 * high:.2f}")
        expect(row).to_contain_text(" ms")
    card = httpx.get(f"{service.url}/models/mlp").json()
    expect(page.get_by_role("tabpanel")).to_contain_text(card["speed"]["hardware"])


def test_the_read_rate_is_that_of_the_errors_allowed(open_page, published):
    page = open_page("models")
    rows = _rows(page, "Models for digits")

    for rate in (0.01, 0.001):
        page.get_by_role("combobox", name="Errors allowed").first.select_option(str(rate))
        for place, model in enumerate(published["models"]):
            [point] = [each for each in model["operating_points"] if each["max_error"] == rate]
            expect(rows.nth(place)).to_contain_text(f"{100 * point['read_rate']:.1f}%")
            found = f"{point['errors']} wrong of {point['accepted']:,}"
            expect(rows.nth(place)).to_contain_text(found)


@pytest.mark.parametrize(("rate", "shown"), [(0.001, "0.001"), (0.007, "0.005")])
def test_the_tab_opens_at_the_default_of_the_service(open_page, start_ready, rate, shown):
    service = start_ready(max_error=rate, field_max_error=0.02)
    page = open_page("models", url=service.url)

    rates = page.locator("#models").get_by_role("combobox", name="Errors allowed")
    expect(rates.nth(0)).to_have_value(shown)
    expect(rates.nth(1)).to_have_value("0.02")
    [point] = [
        each["held_out"]["composed"]
        for each in httpx.get(f"{service.url}/models").json()["readers"][0]["operating_points"]
        if each["max_error"] == 0.02
    ]
    row = _rows(page, "Field readers").last
    expect(row).to_contain_text(f"{point['errors']} wrong of {point['accepted']:,}")
    usual = page.locator("#digit").get_by_label("Errors allowed").locator("option").first
    expect(usual).to_have_text(f"1 in {round(1 / rate):,} (default)")


def test_the_intervals_lie_on_one_scale(open_page, published):
    page = open_page("models")
    circles = _rows(page, "Models for digits").locator("circle")
    expect(circles).to_have_count(len(published["models"]))

    # All at once, because the page can redraw them.
    middles = circles.evaluate_all("all => all.map(one => one.getBoundingClientRect().x)")

    accuracies = [model["accuracy"] for model in published["models"]]
    by_place = sorted(range(len(middles)), key=middles.__getitem__)
    assert [accuracies[place] for place in by_place] == sorted(accuracies)


def test_readers_of_fields_are_compared(open_page):
    rows = _rows(open_page("models"), "Field readers")

    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("reader")
    expect(rows.first).to_contain_text("100.0%")


def test_a_model_that_could_not_be_loaded_is_named(open_page, start_ready, models_copy):
    (models_copy / "mlp.onnx").write_bytes(b"damaged")

    page = open_page("models", url=start_ready(models_dir=models_copy).url)

    expect(page.locator(".failed")).to_contain_text("mlp.onnx")


def _rows(page, table):
    return page.get_by_role("table", name=table).locator("tbody").get_by_role("row")
