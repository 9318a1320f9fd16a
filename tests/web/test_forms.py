"""Forms are made on the page: boxes drawn over it become a form file that the service reads."""

import httpx
import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from models.manifest import PACKAGE_DIRECTORY
from tests.forms.drawing import SLIP, jpeg, photograph, slip
from tests.web.browser import DESKTOP, PHONE

EXAMPLES = PACKAGE_DIRECTORY.parent / "docs" / "examples"
ZIP, DIGIT = (20, 15, 50, 11), (100, 15, 9, 11)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "slip.jpg"
    path.write_bytes(jpeg(photograph(slip(), 0.5)))
    return path


@pytest.fixture
def open_forms(open_page, server, photo):
    """Opens the tab, with a photograph of a slip straightened by its corners."""

    def opened(**options):
        page = open_page("forms", url=server, **options)
        page.get_by_label("Page found by").select_option("corners")
        page.locator("#forms [data-file]").set_input_files(photo)
        expect(page.get_by_role("button", name="slip.jpg")).to_be_visible()
        settings = page.locator("[data-settings]")
        settings.get_by_label("Width").fill("150")
        settings.get_by_label("Height").fill("70")
        expect(page.get_by_role("button", name="Add a box")).to_be_enabled(timeout=60_000)
        return page

    return opened


def corner(page, x, y):
    """Return where millimetres of the page are on the screen."""
    pad = boxes(page).bounding_box()
    return pad["x"] + x / 150 * pad["width"], pad["y"] + y / 70 * pad["height"]


def draw(page, box):
    x, y, width, height = box
    page.mouse.move(*corner(page, x, y))
    page.mouse.down()
    page.mouse.move(*corner(page, x + width / 2, y + height / 2))
    page.mouse.move(*corner(page, x + width, y + height))
    page.mouse.up()


def boxes(page):
    return page.get_by_role("application", name="Boxes over the page")


def editor(page, label):
    return page.locator("[data-editor]").get_by_label(label)


def file_of(page):
    return yaml.safe_load(page.locator("[data-yaml]").text_content())


def download(page, folder):
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download").click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def test_boxes_drawn_over_a_page_become_a_form_that_the_service_reads(
    open_forms, start_ready, tmp_path, photo
):
    page = open_forms()

    draw(page, ZIP)
    page.keyboard.type("zip")
    editor(page, "Format").select_option("zip")
    draw(page, DIGIT)
    page.keyboard.type("digit")
    editor(page, "Kind").select_option("digit")
    editor(page, "Errors allowed").fill("0.01")
    page.locator("[data-settings]").get_by_label("Name").fill("slip")
    folder = tmp_path / "forms"
    folder.mkdir()
    form = yaml.safe_load(download(page, folder).read_text())

    assert form["fields"]["zip"]["box"] == pytest.approx(ZIP, abs=0.5)
    assert form["fields"]["digit"].keys() == {"box", "kind", "max_error"}
    page.get_by_role("button", name="Read the pages").click()
    answers = page.get_by_role("list", name="What was read")
    expect(answers).to_contain_text("zip: 94110 accepted", timeout=60_000)
    expect(answers).to_contain_text("digit: 7 accepted")
    expect(boxes(page)).to_contain_text("zip: 94110")
    url = start_ready(forms=folder).url
    answer = httpx.post(f"{url}/forms/slip", content=photo.read_bytes(), timeout=60).json()
    assert answer["decision"] == "accept"
    assert answer["fields"]["zip"]["text"] == "94110"


def test_the_keyboard_alone_adds_moves_sizes_and_removes_a_box(open_forms):
    page = open_forms()

    page.get_by_role("button", name="Add a box").press("Enter")
    expect(boxes(page)).to_be_focused()
    before = file_of(page)["fields"]["field1"]["box"]
    for key in ("ArrowRight", "ArrowUp", "Shift+ArrowRight", "Shift+ArrowDown"):
        page.keyboard.press(key)
    after = file_of(page)["fields"]["field1"]["box"]

    steps = [0.005 * 150, -0.005 * 70, 0.005 * 150, 0.005 * 70]
    assert [b - a for a, b in zip(before, after, strict=True)] == pytest.approx(steps, abs=0.02)
    editor(page, "x, y, width, height").fill("20, 15, 50, 11")
    assert file_of(page)["fields"]["field1"]["box"] == [20, 15, 50, 11]
    boxes(page).press("Delete")
    assert file_of(page)["fields"] is None


def test_boxes_are_moved_and_sized_with_a_finger(open_forms):
    page = open_forms(size=PHONE, has_touch=True, is_mobile=True)
    page.get_by_role("button", name="Add a box").tap()
    editor(page, "x, y, width, height").fill("20, 15, 50, 11")
    session = page.context.new_cdp_session(page)

    def drag(start, end):
        boxes(page).scroll_into_view_if_needed()
        for kind, at in (("touchStart", start), ("touchMove", end), ("touchEnd", None)):
            x, y = corner(page, *at) if at else (0, 0)
            points = [{"x": x, "y": y}] if at else []
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    drag((45, 20), (55, 40))
    assert file_of(page)["fields"]["field1"]["box"] == pytest.approx([30, 35, 50, 11], abs=0.5)
    drag((80, 46), (90, 56))
    assert file_of(page)["fields"]["field1"]["box"] == pytest.approx([30, 35, 60, 21], abs=0.5)


def test_a_form_file_is_loaded_and_written_again(open_page, server, tmp_path):
    text = SLIP.replace("FOUND_BY", "aruco") + "checks:\n  - {equal: [zip, again]}\n"
    (tmp_path / "slip.yaml").write_text(text)
    page = open_page("forms", url=server)

    page.locator("#forms [data-file]").set_input_files(tmp_path / "slip.yaml")
    expect(page.locator("[data-yaml]")).to_contain_text("again")

    written = file_of(page)
    assert written.pop("name") == "form"
    assert written.pop("page") == {"width": 150, "height": 70, "unit": "mm"}
    assert written == {k: v for k, v in yaml.safe_load(text).items() if k != "page"}


def test_a_form_that_is_wrong_is_reported_with_its_line(open_forms):
    page = open_forms(errors_expected=True)
    draw(page, ZIP)

    page.get_by_label("Checks, one a line").fill("equal: [field1, other]")
    page.get_by_role("button", name="Read the pages").click()

    alert = page.locator("#forms").get_by_role("alert")
    expect(alert).to_contain_text("names other, which is no field", timeout=60_000)
    expect(alert).to_contain_text("form.yaml:7")


def test_a_page_that_is_not_found_gets_no_boxes(open_forms):
    page = open_forms()

    page.get_by_label("Page found by").select_option("aruco")

    expect(page.locator("#forms [data-hint]")).to_contain_text("not found", timeout=60_000)
    expect(page.get_by_role("button", name="Add a box")).to_be_disabled()


def test_the_first_page_finds_the_others_by_reference(open_page, server):
    page = open_page("forms", url=server)
    page.get_by_label("Page found by").select_option("reference")
    pages = [EXAMPLES / "forms" / "exam.png", EXAMPLES / "photos" / "exam-1.jpg"]

    page.locator("#forms [data-file]").set_input_files(pages)

    expect(page.get_by_role("button", name="Add a box")).to_be_enabled(timeout=60_000)
    assert file_of(page)["reference"] == "exam.png"
    shape = boxes(page).bounding_box()
    assert shape["width"] / shape["height"] == pytest.approx(148 / 210, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_forms_are_accessible_and_fit(open_forms, scheme, size):
    page = open_forms(size=size, color_scheme=scheme)
    draw(page, ZIP)
    draw(page, (100, 35, 20, 11))
    page.get_by_role("button", name="Read the pages").click()
    expect(page.get_by_role("list", name="What was read")).to_contain_text(
        "94110 accepted", timeout=60_000
    )

    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    wide = """(width) => [...document.querySelectorAll("main *, header *")]
        .filter((each) => each.getBoundingClientRect().right > width)
        .map((each) => each.outerHTML)"""
    assert page.evaluate(wide, size["width"]) == []
