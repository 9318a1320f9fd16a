"""`/forms`: pages of a form by HTTP."""

import json
from base64 import b64decode

import cv2
import numpy as np
import pytest

from tests.forms.drawing import EDGE, PIXELS, SLIP, jpeg, photograph, png, slip
from tests.imaging.documents import page_of, with_a_picture_of
from tests.imaging.test_documents import KEY, SQUARE


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    from starlette.testclient import TestClient

    from service.app import create_app
    from service.settings import Settings

    folder = tmp_path_factory.mktemp("forms")
    for found_by in ("corners", "aruco", "none"):
        (folder / f"{found_by}.yaml").write_text(SLIP.replace("FOUND_BY", found_by))
    checks = "checks:\n  - {equal: [zip, again]}\n"
    (folder / "checked.yaml").write_text(SLIP.replace("FOUND_BY", "corners") + checks)
    (folder / "wrong.yaml").write_text(SLIP.replace("FOUND_BY", "magic"))
    (folder / "strict.yaml").write_text(SLIP.replace("FOUND_BY", "none").replace("0.11", "0.0102"))
    app = create_app(Settings(forms=folder, max_pixels=6_000_000), load_first=True)
    with TestClient(app) as running:
        yield running


def _read(client, form, picture, **parameters):
    answer = client.post(f"/forms/{form}", content=picture, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_forms_are_listed_with_the_reasons_why_others_cannot_be_used(client):
    listed = {each["name"]: each for each in client.get("/forms").json()["forms"]}

    assert listed.keys() == {"corners", "aruco", "none", "checked", "wrong", "strict"}
    assert listed["corners"]["reason"] is None
    assert listed["corners"]["fields"] == ["zip", "again", "digit", "agreed"]
    assert listed["wrong"]["reason"].startswith("wrong.yaml:2: found_by: must be one of corners")
    assert "was not shown to keep an error rate of 0.0001" in listed["strict"]["reason"]


def test_a_form_is_shown_as_json(client):
    form = client.get("/forms/corners").json()

    assert form["fields"]["zip"]["box"] == [20, 15, 50, 11]
    assert form["page"] == {"width": 150, "height": 70, "unit": "mm"}
    assert client.get("/forms/other").json()["type"] == "/problems/unknown-form"
    assert client.post("/forms/wrong", content=b"").json()["type"] == "/problems/unusable-form"


@pytest.mark.parametrize("found_by", ["corners", "aruco"])
@pytest.mark.parametrize("turn", [0, 90, 180, 265])
def test_a_photograph_is_read_whichever_way_up_it_is(client, found_by, turn):
    answer = _read(client, found_by, jpeg(photograph(slip(found_by), 0.5, turn=turn)))

    fields = answer["fields"]
    assert (answer["decision"], answer["reasons"]) == ("accept", [])
    assert answer["form"] == found_by
    assert answer["page"]["residual_px"] < 1
    assert fields["zip"]["text"] == "94110"
    assert fields["digit"]["digit"] == 7
    assert (fields["agreed"]["kind"], fields["agreed"]["marked"]) == ("mark", True)
    assert (fields["again"]["text"], fields["again"]["reasons"]) == (None, ["blank"])
    assert fields["again"]["decision"] == "accept"
    assert answer["error_bound"] == pytest.approx(0.06)


def test_a_scan_of_the_page_alone_is_read(client):
    answer = _read(client, "none", png(slip("none")[60:-60, 60:-60]))

    assert answer["decision"] == "accept"
    assert answer["page"]["residual_px"] is None
    assert answer["fields"]["zip"]["text"] == "94110"


@pytest.mark.parametrize(
    ("again", "holds", "reasons"),
    [
        ("94110", True, []),
        ("94116", False, ["check_failed"]),
        ("", None, ["check_unknown"]),
    ],
)
def test_a_form_is_accepted_only_if_its_checks_hold(client, again, holds, reasons):
    answer = _read(client, "checked", jpeg(photograph(slip(again=again), 0.5)))

    assert answer["checks"] == [{"equal": ["zip", "again"], "holds": holds}]
    assert answer["reasons"] == reasons
    assert answer["decision"] == ("review" if reasons else "accept")


@pytest.mark.parametrize(
    ("at", "reasons"),
    [
        ((103, 38), ["field_review"]),  # a ticked box
        ((45, 40), ["washed_out", "field_review"]),  # a field that may be empty
        ((45, 20), ["washed_out", "field_review"]),
    ],
)
def test_what_bright_light_hides_is_not_taken_for_empty(client, at, reasons):
    page = slip(again="94110").astype(float)
    y, x = np.mgrid[: page.shape[0], : page.shape[1]]
    across, down = (PIXELS * (EDGE + side) for side in at)
    light = 600 * np.exp(-((x - across) ** 2 + (y - down) ** 2) / (2 * 20.0**2))

    answer = _read(client, "corners", png(np.clip(page + light, 0, 255).astype(np.uint8)))

    assert answer["decision"] == "review"
    assert answer["reasons"] == reasons


def test_a_form_with_a_required_field_empty_needs_a_review(client):
    answer = _read(client, "corners", jpeg(photograph(slip(digit=""), 0.5)))

    assert (answer["decision"], answer["reasons"]) == ("review", ["field_review"])
    assert answer["fields"]["digit"]["reasons"] == ["blank"]
    assert answer["error_bound"] == pytest.approx(0.05)


def _other(_page):
    random = np.random.default_rng(1)
    noise = random.integers(0, 255, (40, 60), np.uint8)
    return cv2.resize(noise, (1200, 800), interpolation=cv2.INTER_CUBIC)


def _half(page):
    return photograph(page[:, : page.shape[1] // 2])


def _two(page):
    return photograph(np.vstack([page, page]), severity=0.5)


def _upside_down(page):
    return page[::-1, ::-1][60:-60, 60:-60].T


def _full_of_squares(_page):
    step = np.full((24, 48), 235, np.uint8)
    step[5:19, 5:19] = step[5:19, 29:43] = 30
    step[9:15, 33:39] = 235
    return np.tile(step, (60, 30))


@pytest.mark.parametrize(
    ("found_by", "spoil", "reason"),
    [
        *((found_by, _other, "page_not_found") for found_by in ("corners", "aruco", "none")),
        *((found_by, _half, "page_not_found") for found_by in ("corners", "aruco")),
        *((found_by, _two, "several_pages") for found_by in ("corners", "aruco")),
        ("none", _upside_down, "page_not_found"),
        ("corners", lambda page: page[:, ::-1], "page_not_found"),
        ("corners", lambda page: np.full((9, 9), 255, np.uint8), "page_not_found"),
        *(
            (found_by, lambda page: np.full((1, 3000), 0, np.uint8), "page_not_found")
            for found_by in ("corners", "aruco")
        ),
        ("aruco", _full_of_squares, "page_not_found"),
    ],
)
def test_a_picture_without_one_whole_page_is_never_read(client, found_by, spoil, reason):
    answer = _read(client, found_by, png(np.ascontiguousarray(spoil(slip(found_by)))))

    assert (answer["decision"], answer["reasons"]) == ("review", [reason])
    assert answer["fields"] == {}
    assert answer["error_bound"] == 0


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"no picture", "unsupported-format"),
        (png(np.full((3000, 3000), 255, np.uint8)), "picture-too-large"),
        (png(slip())[:2000], "unreadable-image"),
        (page_of(SQUARE, trailer=KEY), "unreadable-image"),
        (page_of(SQUARE, kids=b"3 0 R " * 1000), "unreadable-image"),
        (with_a_picture_of(30_000, 30_000), "picture-too-large"),
    ],
)
def test_a_file_that_is_no_picture_is_a_problem(client, content, problem):
    answer = client.post("/forms/corners", content=content)

    assert answer.json()["type"] == f"/problems/{problem}"
    assert 400 <= answer.status_code < 500


def test_a_page_of_a_file_is_chosen(client):
    from io import BytesIO

    from PIL import Image

    pages = [Image.fromarray(slip(code=code)) for code in ("10027", "94110")]
    file = BytesIO()
    pages[0].save(file, "TIFF", save_all=True, append_images=pages[1:])

    codes = [
        _read(client, "corners", file.getvalue(), page=page)["fields"]["zip"]["text"]
        for page in (1, 2)
    ]

    assert codes == ["10027", "94110"]
    missing = client.post("/forms/corners", content=file.getvalue(), params={"page": 3})
    assert missing.status_code == 422
    assert json.loads(missing.text)["detail"] == "there is no page 3; the file has 2"


def _try(client, form, page=None, **files):
    pages = {} if page is None else {"file": page}
    return client.post("/forms", files={"form": form.encode()} | pages | files)


def test_a_form_that_is_not_stored_is_tried_on_a_page(client):
    answer = _try(client, SLIP.replace("FOUND_BY", "corners"), jpeg(photograph(slip(), 0.5)))

    assert answer.status_code == 200, answer.text
    tried = answer.json()
    assert tried["form"]["fields"]["zip"]["box"] == [20, 15, 50, 11]
    assert tried["reading"]["decision"] == "accept"
    assert tried["reading"]["fields"]["zip"]["text"] == "94110"
    straight = cv2.imdecode(np.frombuffer(b64decode(tried["straight"]), np.uint8), 0)
    assert straight.shape == (747, 1600)
    assert straight[5:65, 1535:1595].mean() < 60  # the square in the top right corner


def test_a_form_alone_is_checked(client):
    tried = _try(client, SLIP.replace("FOUND_BY", "reference\nreference: blank.png")).json()

    assert tried["form"]["reference"] == "blank.png"
    assert (tried["reading"], tried["straight"]) == (None, None)


def test_a_page_that_is_not_found_has_no_straight_picture(client):
    answer = _try(client, SLIP.replace("FOUND_BY", "corners"), png(_other(None)))

    assert answer.json()["reading"]["reasons"] == ["page_not_found"]
    assert answer.json()["straight"] is None


def test_a_form_is_tried_with_the_picture_of_the_blank_page(client):
    form = SLIP.replace("FOUND_BY", "reference\nreference: blank.png")
    bare = png(slip("none", "", digit="")[60:-60, 60:-60])

    missing = _try(client, form, bare)
    poor = _try(client, form, bare, reference=bare)

    assert "send the picture of the blank page" in missing.json()["detail"]
    assert "blank.png has too little print to be found by" in poor.json()["detail"]
    assert (missing.status_code, poor.status_code) == (422, 422)


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        (SLIP.replace("FOUND_BY", "magic"), "form.yaml:2: found_by: must be one of corners"),
        ("a: &a [1]\nb: *a\n", "form.yaml:2: aliases and tags"),
        ("a: !!timestamp x\n", "form.yaml:1: aliases and tags"),
        ("[" * 60_000, "form.yaml:1: "),
        ("#" * 70_000, "form.yaml: it is larger than 65536 bytes"),
        (SLIP.replace("FOUND_BY", "none").replace("150", "1e-310"), "page.width: must be at least"),
        (SLIP.replace("FOUND_BY", "none").replace("[20, 15, 50", "[20, 15, 1.0e-310"), "too small"),
    ],
)
def test_a_form_that_is_wrong_is_refused_with_line_and_reason(client, form, reason):
    answer = _try(client, form, png(slip()))

    assert answer.status_code == 422
    assert reason in answer.json()["detail"]


@pytest.mark.parametrize(
    "files", [{"file": b"1"}, {"form": b"a: 1", "other": b"1"}, [("form", b"1"), ("form", b"2")]]
)
def test_a_body_with_other_fields_is_refused(client, files):
    answer = client.post("/forms", files=files)

    assert answer.status_code == 422
    assert (
        answer.json()["detail"] == "form: must have form, and may have file, reference, each once"
    )
