"""The page with the keyboard only."""

from playwright.sync_api import expect


def test_arrows_select_tabs(page):
    tabs = page.get_by_role("tab")
    tabs.nth(0).focus()

    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="A field")).to_be_focused()
    expect(page.get_by_role("tab", name="A field")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_role("tabpanel", name="A field")).to_be_visible()
    expect(page.get_by_role("tabpanel", name="A digit")).to_be_hidden()
    page.keyboard.press("End")
    expect(page.get_by_role("tabpanel", name="The models")).to_be_visible()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tabpanel", name="A digit")).to_be_visible()
    page.keyboard.press("ArrowLeft")
    expect(page.get_by_role("tabpanel", name="The models")).to_be_visible()
    page.keyboard.press("Home")
    expect(page.get_by_role("tabpanel", name="A digit")).to_be_visible()
    assert page.locator("[role=tab][tabindex='0']").count() == 1


def test_a_digit_is_written_and_cleared(page):
    sheet = page.locator("#digit canvas")
    _tab_to(page, sheet)

    for key in ["ArrowUp"] * 6 + [" "] + ["ArrowDown"] * 12 + [" "]:
        page.keyboard.press(key)
    expect(page.locator("#digit [data-said]")).to_have_text("1")

    _tab_to(page, page.locator("#digit").get_by_role("button", name="Clear"))
    page.keyboard.press("Enter")
    expect(page.locator("#digit [data-said]")).to_have_text("")


def test_pen_and_answer_are_announced(page):
    _tab_to(page, page.locator("#digit canvas"))

    page.keyboard.press(" ")
    expect(page.get_by_role("status")).to_have_text("Pen down")
    for _ in range(8):
        page.keyboard.press("ArrowDown")
    page.keyboard.press(" ")

    expect(page.get_by_role("status")).to_contain_text("% sure")


def test_the_focus_is_visible(page):
    seen = set()
    for _ in range(12):
        page.keyboard.press("Tab")
        name, outline = page.evaluate(
            """() => {
              const here = document.activeElement;
              const shown = here.tagName === "CANVAS" ? here.parentElement : here;
              return [here.outerHTML.slice(0, 80), getComputedStyle(shown).outlineStyle];
            }"""
        )
        if not name.startswith("<body"):
            seen.add(name)
            assert outline != "none", name
    assert len(seen) > 6


def test_the_url_selects_a_tab(open_page):
    expect(open_page("models").get_by_role("tabpanel", name="The models")).to_be_visible()


def _tab_to(page, goal):
    for _ in range(30):
        if goal.evaluate("(each) => each === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError("the focus does not reach it")
