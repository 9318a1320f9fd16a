"""Fields on the page, with a reader of bars."""

import json

import cv2
import numpy as np
import pytest
from playwright.sync_api import expect

from tests.strips import bars
from tests.web.hand import write


@pytest.fixture
def field(open_page):
    return open_page("field")


def test_a_field_is_read_with_its_digits_and_their_boxes(field, tmp_path):
    _lay(field, tmp_path, bars("#18014", height=80))

    expect(field.locator("#field [data-said]")).to_have_text("18014")
    expect(field.locator("#field [data-verdict]")).to_contain_text("Accepted")
    digits = field.get_by_role("list", name="Each digit").get_by_role("listitem")
    expect(digits).to_have_count(5)
    expect(digits.nth(1)).to_contain_text("8")
    expect(digits.nth(1)).to_contain_text("%")
    expect(field.get_by_role("status")).to_contain_text("1 8 0 1 4")


def test_the_boxes_lie_over_the_digits(field, tmp_path):
    strip = bars("#42", height=80)
    height, width = cv2.imdecode(np.frombuffer(strip, np.uint8), cv2.IMREAD_GRAYSCALE).shape
    _lay(field, tmp_path, strip)
    boxes = field.locator("#field .pad-boxes rect")
    expect(boxes).to_have_count(2)

    pad = field.locator("#field .pad").bounding_box()
    scale = min(pad["width"] / width, pad["height"] / height)
    left = pad["x"] + (pad["width"] - scale * width) / 2
    for place in range(2):
        box = boxes.nth(place).bounding_box()
        middle = (box["x"] + box["width"] / 2 - left) / scale
        # Bar `place` after the "#" is 16 pixels wide and begins at 32 (place + 1) + 16.
        assert abs(middle - (32 * (place + 1) + 24)) <= 4


def test_a_field_that_is_drawn_is_answered(field):
    write(field, field.locator("#field canvas"), "11")

    expect(field.locator("#field .badge")).to_be_visible()


def test_a_length_that_is_known_is_kept(field, tmp_path):
    _lay(field, tmp_path, bars("#43"))
    expect(field.locator("#field [data-verdict]")).to_contain_text("Accepted")

    field.get_by_role("spinbutton", name="at least").fill("3")

    expect(field.locator("#field [data-verdict]")).to_contain_text("does not match what you know")


def test_a_checksum_decides_and_others_are_named(field, tmp_path):
    _lay(field, tmp_path, bars("#?4"))
    expect(field.get_by_text("Alternatives")).to_be_visible()

    field.get_by_role("combobox", name="Checksum").select_option("luhn")

    # Of 34 and 44 the first satisfies it, but it is only a guess.
    expect(field.locator("#field .guesses")).to_contain_text("34 (")
    expect(field.locator("#field [data-said]")).to_have_text("?")


def test_lengths_that_contradict_each_other_are_told_of_in_words(open_page, tmp_path):
    page = open_page("field", errors_expected=True)
    _lay(page, tmp_path, bars("#42"))
    page.get_by_role("spinbutton", name="at least").fill("5")

    page.get_by_role("spinbutton", name="at most").fill("2")

    expect(page.locator("#field").get_by_role("alert")).to_contain_text("Invalid request")


def test_without_a_reader_the_page_says_so(open_page, start_ready, models_copy):
    file = models_copy / "manifest.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"readers": []}))
    page = open_page("field", url=start_ready(models_dir=models_copy).url)

    expect(page.locator("#field [data-verdict]")).to_contain_text("no field reader")


def _lay(page, folder, content):
    (folder / "field.png").write_bytes(content)
    page.locator("#field [data-file=choose]").set_input_files(folder / "field.png")
