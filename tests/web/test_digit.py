"""The tab that reads one digit."""

import re

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from tests.web.browser import DESKTOP, PHONE
from tests.web.hand import write, write_with_finger

# Delays the first prediction, and ignores aborts.
_DELAY_FIRST = """
const ask = window.fetch;
let first = true;
let arrived;
window.delayed = new Promise((resolve) => { arrived = resolve; });
window.fetch = async (path, options) => {
  const isDelayed = first && path.startsWith("predict");
  first = first && !isDelayed;
  const answer = await ask(path, { ...options, signal: undefined });
  if (!isDelayed) return answer;
  return new Promise((resolve) => {
    window.release = () => resolve(answer);
    arrived();
  });
};
"""

# Counts the inked pixels of a canvas.
_INK = """(canvas) => {
  const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d");
  copy.drawImage(canvas, 0, 0);
  const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
  return data.filter((value, place) => place % 4 === 3 && value).length;
}"""


@pytest.fixture
def sheet(page):
    return page.locator("#digit canvas")


def test_a_digit_drawn_with_the_mouse_is_read(page, sheet):
    write(page, sheet, "7")

    expect(_said(page)).to_have_text("7")
    expect(page.locator("#digit [data-verdict]")).to_contain_text("Accepted")
    expect(page.get_by_role("status")).to_contain_text("7, ")
    rows = page.get_by_role("list", name="Probability of each digit").get_by_role("listitem")
    expect(rows).to_have_count(10)
    expect(rows.nth(7)).to_contain_text("99.")
    expect(rows.nth(3)).to_contain_text("%")


def test_the_picture_that_the_model_saw_is_shown(page, sheet):
    write(page, sheet, "7")

    seen = page.get_by_role("figure", name="What the model saw").get_by_role("img")
    expect(seen).to_be_visible()
    assert seen.evaluate("(image) => [image.naturalWidth, image.naturalHeight]") == [28, 28]
    assert seen.evaluate("(image) => getComputedStyle(image).imageRendering") == "pixelated"


def test_all_models_answer_side_by_side(page, sheet):
    write(page, sheet, "7")

    tiles = page.locator("[data-tiles] li")
    expect(tiles).to_have_count(7)
    for number in range(7):
        expect(tiles.nth(number)).to_contain_text(re.compile("7.*%"))


def test_closed_comparison_sends_no_requests(page, sheet):
    asked = []
    page.get_by_text("All models, side by side").click()
    page.on("request", lambda request: asked.append(request.url))

    write(page, sheet, "7")
    expect(_said(page)).to_have_text("7")
    page.wait_for_timeout(800)

    assert asked
    assert not [url for url in asked if "model=mlp" in url]


def test_a_digit_drawn_with_a_finger_is_read(open_page):
    page = open_page(size=PHONE, is_mobile=True, has_touch=True)

    write_with_finger(page, page.locator("#digit canvas"), "4")

    expect(_said(page)).to_have_text("4")
    assert page.evaluate("scrollY") == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_answer_comes_before_the_pen_is_lifted(page, sheet):
    box = sheet.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + 0.2 * box["height"]
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + 0.6 * box["height"], steps=20)

    expect(_said(page)).to_have_text("1")
    page.mouse.up()


def test_undo_and_clear(page, sheet):
    write(page, sheet, "7")
    expect(_said(page)).to_have_text("7")

    page.locator("#digit").get_by_role("button", name="Clear").click()
    expect(_said(page)).to_have_text("")
    page.locator("#digit").get_by_role("button", name="Undo").click()
    expect(_said(page)).to_have_text("7")
    sheet.press("Control+z")
    expect(_said(page)).to_have_text("")
    expect(page.locator("#digit").get_by_role("button", name="Undo")).to_be_disabled()


def test_a_wider_pen_leaves_more_ink(page, sheet):
    width = page.locator("#digit").get_by_role("slider", name="Width of the pen")

    width.fill("4")
    write(page, sheet, "1")
    thin = sheet.evaluate(_INK)
    page.locator("#digit").get_by_role("button", name="Clear").click()
    width.fill("12")
    write(page, sheet, "1")

    assert sheet.evaluate(_INK) > 2 * thin > 0


def test_a_late_answer_is_dropped(open_page, pictures):
    page = open_page(before=_DELAY_FIRST)
    sheet = page.locator("#digit canvas")
    page.locator("#digit").get_by_role("combobox", name="Model").locator("option").nth(1).wait_for(
        state="attached"
    )

    page.locator("#digit [data-file=choose]").set_input_files(pictures / "seven.png")
    page.evaluate("window.delayed")
    page.locator("#digit").get_by_role("button", name="Clear").click()
    write(page, sheet, "4")
    # The comparison starts when no newer answer is pending.
    expect(page.locator("[data-tiles] .tile-digit").last).to_have_text("4")
    page.evaluate("window.release()")
    page.wait_for_timeout(200)

    expect(_said(page)).to_have_text("4")


def test_the_selected_model_and_error_rate_are_sent(page, sheet):
    page.get_by_role("combobox", name="Model").select_option("lenet5")
    page.locator("#digit").get_by_role("combobox", name="Errors allowed").select_option("0.01")

    with page.expect_response(lambda response: "/predict" in response.url) as asked:
        write(page, sheet, "7")

    assert "model=lenet5&max_error=0.01" in asked.value.url
    assert asked.value.json()["model"] == "lenet5"
    expect(page.locator("#digit [data-verdict]")).to_contain_text(
        "at most 1 in 100 of such answers is wrong"
    )


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_what_needs_review_does_not_look_like_an_answer(open_page, size):
    page = open_page(size=size)
    write(page, page.locator("#digit canvas"), "11")

    verdict = page.locator("#digit [data-verdict]")
    expect(verdict).to_contain_text("Needs review")
    expect(verdict).to_contain_text("several digits")
    expect(_said(page)).to_have_text("?")
    expect(page.locator("[data-bars] .best")).to_have_count(0)
    expect(page.get_by_role("status")).to_contain_text("Needs review. It looks like several")
    expect(page.locator("[data-tiles] .tile-digit.review").first).to_have_text("?")
    for number in page.locator("#digit .tile-digit.review").all_text_contents():
        assert number == "?"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_guesses_are_named_in_words(page, sheet):
    probabilities = [0, 0, 0.05, 0.3, 0, 0.2, 0, 0.419, 0, 0.031]
    answer = {"model": "resnet", "version": "1", "digit": 7, "confidence": 0.419}
    answer |= {"decision": "review", "reasons": ["not_a_digit"], "probabilities": probabilities}
    page.route("**/predict*", lambda route: route.fulfill(json=answer))

    write(page, sheet, "2")

    guesses = "Best guess: 7 (41.9%), or 3 (30.0%), or 5 (20.0%)."
    expect(page.locator("#digit [data-verdict]")).to_contain_text(guesses)
    expect(page.get_by_role("status")).to_contain_text(guesses)
    expect(_said(page)).to_have_text("?")
    expect(page.locator("[data-tiles] li").first).to_contain_text("?perhaps 7: 41.9%needs review")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize(("ink", "found"), [(20, "Dark ink"), (250, "Light ink")])
def test_a_box_is_drawn_around_the_ink_of_a_picture(open_page, tmp_path, ink, found, size):
    page = open_page(size=size)
    picture = np.full((300, 500), 270 - ink, np.uint8)
    cv2.putText(picture, "7", (320, 200), cv2.FONT_HERSHEY_SIMPLEX, 5, ink, 14, cv2.LINE_AA)
    cv2.imwrite(str(tmp_path / "7.png"), picture)
    page.locator("#digit [data-file=choose]").set_input_files(tmp_path / "7.png")

    expect(page.locator("[data-found]")).to_have_text(f"{found} on even paper")
    expect(page.locator("#digit .pad-boxes rect")).to_have_count(1)
    pad = page.locator("#digit .pad").bounding_box()
    box = page.locator("#digit .pad-boxes rect").bounding_box()
    scale = min(pad["width"] / 500, pad["height"] / 300)
    left = (box["x"] - pad["x"] - (pad["width"] - 500 * scale) / 2) / scale
    top = (box["y"] - pad["y"] - (pad["height"] - 300 * scale) / 2) / scale
    mask = cv2.threshold(cv2.absdiff(picture, 270 - ink), 99, 255, cv2.THRESH_BINARY)[1]
    drawn = cv2.boundingRect(mask)
    assert (left, top, box["width"] / scale, box["height"] / scale) == pytest.approx(drawn, abs=25)

    page.locator("#digit").get_by_role("button", name="Clear").click()
    expect(page.locator("#digit .pad-boxes rect")).to_have_count(0)


def _said(page):
    return page.locator("#digit [data-said]")
