"""Pictures are chosen, dropped, pasted or photographed."""

import base64

import cv2
import numpy as np
from playwright.sync_api import expect

_FILES = """(name, content) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt());
  const transfer = new DataTransfer();
  transfer.items.add(new File([bytes], name, { type: "image/png" }));
  return transfer;
}"""
_COPY = """async (content) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt());
  const image = new Blob([bytes], { type: "image/png" });
  await navigator.clipboard.write([new ClipboardItem({ "image/png": image })]);
}"""


def test_a_chosen_picture_is_read(page, pictures):
    _choose(page, pictures / "seven.png")

    expect(_said(page)).to_have_text("7")
    expect(page.locator("#digit .pad-picture")).to_be_visible()


def test_a_dropped_picture_is_read(page, seven):
    script = f"([name, content]) => ({_FILES})(name, content)"
    files = page.evaluate_handle(script, ["seven.png", _base64(seven)])

    page.locator("#digit canvas").dispatch_event("dragover", {"dataTransfer": files})
    expect(page.locator("#digit .pad")).to_have_class("pad over")
    page.locator("#digit canvas").dispatch_event("drop", {"dataTransfer": files})

    expect(_said(page)).to_have_text("7")
    expect(page.locator("#digit .pad")).to_have_class("pad")


def test_a_pasted_picture_is_read(open_page, seven):
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    page.evaluate(_COPY, _base64(seven))

    page.keyboard.press("Control+V")

    expect(_said(page)).to_have_text("7")


def test_a_photo_is_scaled_down(page, tmp_path):
    paper = np.full((3000, 4000), 235, np.uint8)
    cv2.putText(paper, "7", (1500, 2300), cv2.FONT_HERSHEY_SIMPLEX, 60, 40, 150, cv2.LINE_AA)
    cv2.imwrite(str(tmp_path / "photo.jpg"), paper)

    _choose(page, tmp_path / "photo.jpg", by="photograph")

    expect(_said(page)).to_have_text("7")
    width, height = page.locator("#digit .pad-picture").evaluate(
        "(image) => [image.naturalWidth, image.naturalHeight]"
    )
    assert 5_900_000 < width * height <= 6_000_000


def test_writing_starts_a_new_sheet_and_undo_restores_the_picture(page, pictures):
    _choose(page, pictures / "seven.png")
    expect(_said(page)).to_have_text("7")

    page.locator("#digit canvas").click()
    expect(page.locator("#digit .pad-picture")).to_be_hidden()
    page.locator("#digit").get_by_role("button", name="Undo").click()

    expect(page.locator("#digit .pad-picture")).to_be_visible()
    expect(_said(page)).to_have_text("7")


def test_a_picture_that_the_browser_cannot_show_is_read(page, draw, tmp_path):
    (tmp_path / "seven.tiff").write_bytes(draw(7, suffix=".tiff"))

    _choose(page, tmp_path / "seven.tiff")

    expect(_said(page)).to_have_text("7")
    expect(page.locator("#digit .pad-hint")).to_have_text("seven.tiff: this browser cannot show it")


def test_a_file_that_is_no_picture_shows_an_error(open_page, tmp_path):
    page = open_page(errors_expected=True)
    (tmp_path / "letter.png").write_text("not an image")

    _choose(page, tmp_path / "letter.png")

    expect(page.locator("#digit").get_by_role("alert")).to_contain_text("Unsupported image format")


def _choose(page, path, *, by="choose"):
    page.locator(f"#digit [data-file={by}]").set_input_files(path)


def _said(page):
    return page.locator("#digit [data-said]")


def _base64(content):
    return base64.b64encode(content).decode()
