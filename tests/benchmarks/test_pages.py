"""The example forms as they are drawn, and the photographs that are simulated of them."""

import json

import cv2
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from benchmarks.pages.__main__ import app
from benchmarks.pages.draw import FORMS, blank, corners_of, example_forms, fill, written
from benchmarks.pages.photograph import SEVERITIES, photograph
from benchmarks.pages.results import Results
from benchmarks.pages.sets import strokes
from models.fields.constraints import START, Constraints
from models.fields.formats import Notation
from tests.generated import drawn_mnist, write_idx

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


def test_a_run_leaves_a_report_and_its_figures(tmp_path):
    data = write_idx(tmp_path / "data", drawn_mnist())
    out = tmp_path / "docs"
    options = ["--photos", 3, "--others", 2, "--seconds", 1, "--tiff-pages", 2]
    options += ["--no-verify", "--out", out]

    done = CliRunner().invoke(app, ["--data-dir", str(data), *map(str, options)])

    assert done.exit_code == 0, done.output
    results = Results.model_validate_json((out / "pages.json").read_bytes())
    everything = results.groups[-1]
    assert (everything.photos, everything.fields) == (
        3,
        sum(each.fields for each in results.groups[:3]),
    )
    assert everything.found > 0
    assert everything.residual_worst < 20
    assert (results.others.pictures, results.others.accepted) == (2, 0)
    assert [speed.form for speed in results.speeds] == [*BY_NAME]
    assert results.memory.peak_mb >= results.memory.before_mb > 20
    assert "## Memory" in (out / "pages.md").read_text()
