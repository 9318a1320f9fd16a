"""The example forms as they are drawn, and the photographs that are simulated of them."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image

from benchmarks.pages.draw import FORMS, blank, corners_of, example_forms, fill, written
from benchmarks.pages.photograph import SEVERITIES, photograph
from benchmarks.pages.sets import strokes
from models.fields.constraints import START, Constraints
from models.fields.formats import Notation

BY_NAME = example_forms()


@pytest.mark.parametrize("form", BY_NAME.values(), ids=BY_NAME)
def test_the_blank_page_that_ships_is_the_one_that_is_drawn(form):
    shipped = FORMS / f"{form.name}.png"
    drawn = blank(form)

    with Image.open(shipped) as picture:
        same = np.abs(np.asarray(picture, int) - drawn)
    assert same.mean() < 1  # another FreeType draws other edges
    assert shipped.stat().st_size < 150_000


@pytest.mark.parametrize("form", BY_NAME.values(), ids=BY_NAME)
def test_what_is_written_is_what_the_form_allows(form):
    for seed in range(20):
        entries = written(form, np.random.default_rng(seed))
        assert entries.keys() == form.fields.keys()
        for check in form.checks:
            if check.equal:
                assert len({entries[name] for name in check.equal}) == 1
            else:
                total = sum(int(entries[name]) for name in check.sum)
                assert total == int(entries[check.equals])
        for name, field in form.fields.items():
            if field.checksum:
                constraints, state = Constraints(field.length, checksum=field.checksum), START
                for digit in entries[name]:
                    state = constraints.extend(state, int(digit))
                assert constraints.hold(state)
            if field.format:
                assert len(Notation(field.format).readings(entries[name])) == 1


@pytest.mark.parametrize("severity", SEVERITIES, ids=lambda severity: severity.name)
def test_the_markers_on_a_photograph_are_where_it_says(severity):
    form, random = BY_NAME["giro"], np.random.default_rng(3)
    page = fill(form, blank(form), written(form, random), strokes(), random)

    photo, corners = photograph(page, corners_of(form), severity, random)

    grey = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_GRAYSCALE)
    dictionary = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
    found, ids, _ = cv2.aruco.ArucoDetector(dictionary).detectMarkers(grey)
    outer = {n: marker[0][n] for marker, n in zip(found, ids.ravel().tolist(), strict=True)}
    assert outer.keys() == {0, 1, 2, 3}
    assert max(np.hypot(*(outer[place] - corners[place])) for place in outer) < 5


def test_the_list_of_the_shipped_photographs_has_every_field():
    photos = FORMS.parent / "photos"
    listed = json.loads((photos / "written.json").read_text())

    assert sorted(listed) == sorted(path.name for path in photos.glob("*.jpg"))
    for file, entries in listed.items():
        assert entries.keys() == BY_NAME[file.split("-")[0]].fields.keys()
        assert (photos / file).stat().st_size < 150_000
