"""People review with the keyboard: each item once, and no typed answer is lost."""

import itertools
import json
import logging

import cv2
import httpx
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from service.auth.api_keys import Role, new_key
from service.inference.decisions import Decision
from tests.feedback.rows import row
from tests.strips import bars
from tests.web.browser import DESKTOP, PHONE

pytest.importorskip("sqlalchemy", reason="requires the extra 'feedback'")
from service.feedback.store import Store

_log = logging.getLogger(__name__)


class Queue:
    """A service with feedback, its keys by role, and what waits there for review."""

    def __init__(self, service, keys, store):
        self.url, self.keys, self.store = service.url, keys, store

    def add(self, request_id, digit="7", **values):
        """Add a digit, or other `values`, that waits for review."""
        image = np.zeros((28, 28), np.uint8)
        cv2.putText(image, digit, (6, 23), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 2)
        values = {"reasons": "low_confidence", "image": image.tobytes(), "read": digit} | values
        self.store.add([row(request_id=request_id, decision=Decision.REVIEW.value, **values)])

    def answer(self, request_id):
        """Return the right answer for a request; Ellipsis if there is none yet."""
        headers = {"X-API-Key": self.keys[Role.ADMIN]}
        answer = httpx.get(f"{self.url}/predictions/{request_id}", headers=headers)
        [found] = answer.json()["predictions"]
        return ... if found["answered"] is None else found["answer"]


@pytest.fixture
def queue(start_ready, tmp_path):
    made = {role: new_key(role.value, role) for role in (Role.ADMIN, Role.PREDICT)}
    file = tmp_path / "keys.jsonl"
    file.write_text("\n".join(line.model_dump_json() for _, line in made.values()))
    database = f"sqlite:///{tmp_path}/feedback.db"
    service = start_ready(api_keys_file=file, feedback_database=database, feedback_images=True)
    store = Store(database)
    yield Queue(service, {role: key for role, (key, _) in made.items()}, store)
    store.close()


@pytest.fixture
def open_review(open_page, queue):
    """Opens the tab with a key of a role."""

    def opened(role=Role.ADMIN, **options):
        before = f"sessionStorage.setItem('numeral-key', '{queue.keys[role]}')"
        return open_page("review", url=queue.url, before=before, **options)

    return opened


def typed(page):
    return page.get_by_role("textbox", name="What is written")


def expect_request(page, request_id):
    expect(page.locator("[data-origin]")).to_contain_text(f"request {request_id}")
    expect(page.locator("[data-crop]")).to_be_visible()


def test_the_keyboard_alone_settles_what_waits_the_oldest_first(open_review, queue):
    strip = np.full((40, 96), 128, np.uint8)
    others = json.dumps([["1807", 0.2]])
    queue.add("right")
    queue.add("wrong")
    queue.add("audit", reasons="audit", alternatives=others)
    queue.add("nothing")
    queue.add("unreadable")
    page_of = cv2.imencode(".jpg", np.full((300, 400), 200, np.uint8))[1].tobytes()
    field = {"kind": "field", "read": "1801", "image": strip.tobytes(), "page": page_of}
    queue.add("field", alternatives=others, **field)
    page = open_review()
    keyboard = page.keyboard

    expect_request(page, "right")
    expect(typed(page)).to_be_focused()
    expect(page.locator("#review")).to_contain_text("6 waiting")
    expect(page.locator("[data-read]")).to_contain_text("Read as 7")
    keyboard.press("Enter")
    expect_request(page, "wrong")
    keyboard.type("1")
    keyboard.press("Enter")
    expect_request(page, "audit")
    expect(page.locator("[data-read]")).to_have_text("A check at random: read it without help.")
    expect(typed(page)).to_have_attribute("placeholder", "")
    expect(page.locator("#review [data-alternatives] li")).to_have_count(0)
    keyboard.press("Enter")
    assert "Type what is written" in typed(page).evaluate("(each) => each.validationMessage")
    keyboard.type("7")
    keyboard.press("Enter")
    for request_id, key in (("nothing", "-"), ("unreadable", "?")):
        expect_request(page, request_id)
        keyboard.type(key)
        keyboard.press("Enter")
    expect_request(page, "field")
    expect(page.get_by_alt_text("The picture as it was sent")).to_be_visible()
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="1807")).to_be_focused()
    keyboard.press("Enter")
    expect(typed(page)).to_have_value("1807")
    keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Nothing waits for review")).to_be_visible()

    answers = {name: queue.answer(name) for name in ("right", "wrong", "audit", "nothing", "field")}
    assert answers == {"right": "7", "wrong": "1", "audit": "7", "nothing": None, "field": "1807"}
    expect(page.locator("#review")).to_contain_text("6 reviewed")
    assert queue.store.reviews(10) == []
    queue.add("later")
    expect_request(page, "later")
    expect(typed(page)).to_be_focused()


def test_a_key_that_is_held_down_confirms_one_picture(open_review, queue):
    for number in range(3):
        queue.add(f"r{number}")
    page = open_review()
    expect_request(page, "r0")

    for _ in range(5):
        page.keyboard.down("Enter")
        expect_request(page, "r1")

    assert len(queue.store.reviews(10)) == 2


def test_two_people_at_once_never_get_the_same_picture(open_review, queue):
    for number in range(40):
        queue.add(f"r{number}", str(number % 10))
    pages = [open_review(), open_review(size=PHONE)]
    seen = [[], []]

    for place in itertools.cycle((0, 1)):
        page = pages[place]
        page.bring_to_front()
        page.wait_for_function(
            """(last) => document.querySelector("[data-title]").textContent !== "Review"
              && (document.querySelector("[data-form]").hidden
                || (!document.querySelector("[data-crop]").hidden
                  && document.querySelector("[data-origin]").textContent !== last))""",
            arg=seen[place][-1] if seen[place] else "",
        )
        if page.locator("[data-form]").is_hidden():
            break
        seen[place].append(page.locator("[data-origin]").text_content())
        page.keyboard.press("Enter")

    both = seen[0] + seen[1]
    assert len(both) == len(set(both)) == 40 - len(queue.store.reviews(40))
    assert min(map(len, seen)) >= 15


def test_the_pace_is_counted(open_review, queue):
    for number in range(60):
        queue.add(f"r{number}", str(number % 10))
    page = open_review()

    for number in range(60):
        expect_request(page, f"r{number}")
        page.keyboard.press(str(number % 10))
        page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible()
    pace = page.locator("[data-pace]")
    expect(pace).to_contain_text("60 reviewed")
    _log.warning("by keyboard: %s", pace.text_content())


def test_a_typed_answer_survives_a_lost_connection(open_review, queue):
    queue.add("one", "1")
    queue.add("two", "2")
    page = open_review(errors_expected=True)
    expect_request(page, "one")

    page.context.set_offline(True)
    page.keyboard.type("4")
    page.keyboard.press("Enter")
    alert = page.locator("#review").get_by_role("alert")
    expect(alert).to_contain_text("cannot be reached")
    expect(typed(page)).to_have_value("4")
    assert queue.answer("one") is ...
    page.context.set_offline(False)
    page.keyboard.press("Enter")

    expect_request(page, "two")
    expect(alert).to_have_count(0)
    assert queue.answer("one") == "4"


def test_the_answer_of_somebody_else_stays_and_is_reported(open_review, queue):
    queue.add("one", "1")
    queue.add("two", "2")
    page = open_review(errors_expected=True)
    expect_request(page, "one")
    headers = {"X-API-Key": queue.keys[Role.ADMIN]}
    other = {"request_id": "one", "digit": 8}
    assert httpx.post(f"{queue.url}/feedback", json=other, headers=headers).status_code == 201

    page.keyboard.type("4")
    page.keyboard.press("Enter")

    expect_request(page, "two")
    alert = page.locator("#review").get_by_role("alert")
    expect(alert).to_contain_text("Answered otherwise")
    expect(alert).to_contain_text("You answered: 4.")
    page.keyboard.press("Enter")
    expect(alert).to_have_count(0)
    assert [queue.answer(name) for name in ("one", "two")] == ["8", "2"]


def test_a_key_without_the_role_is_reported_and_can_be_replaced(open_review, queue):
    queue.add("one")
    page = open_review(Role.PREDICT, errors_expected=True)

    expect(page.locator("#review").get_by_role("alert")).to_contain_text("lacks the role admin")
    page.get_by_label("This service requires an API key").fill(queue.keys[Role.ADMIN])
    page.get_by_role("button", name="Use key").click()

    expect_request(page, "one")
    expect(page.locator("#review").get_by_role("alert")).to_have_count(0)


def test_a_service_without_feedback_says_so(open_page):
    page = open_page("review", errors_expected=True)

    expect(page.locator("#review").get_by_role("alert")).to_contain_text("API keys")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_the_review_is_accessible_and_fits(open_review, queue, scheme, size):
    picture = np.frombuffer(bars("#?4", height=80), np.uint8)
    page_of = cv2.imencode(".jpg", cv2.imdecode(picture, cv2.IMREAD_GRAYSCALE))[1].tobytes()
    queue.add("one", alternatives=json.dumps([["1", 0.2], ["2", 0.1]]), page=page_of)
    page = open_review(size=size, color_scheme=scheme)
    expect_request(page, "one")
    expect(page.get_by_alt_text("The picture as it was sent")).to_be_visible()

    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    wide = """(width) => [...document.querySelectorAll("main *, header *")]
        .filter((each) => each.getBoundingClientRect().right > width)
        .map((each) => each.outerHTML)"""
    assert page.evaluate(wide, size["width"]) == []
