"""`numeral forms check`: a form file, and its boxes over a picture."""

import cv2
import pytest

from tests.cli.running import numeral
from tests.forms.drawing import SLIP, jpeg, photograph, slip


@pytest.fixture
def form(tmp_path):
    path = tmp_path / "slip.yaml"
    path.write_text(SLIP.replace("FOUND_BY", "corners"))
    return path


def test_it_reads_a_picture_and_draws_the_boxes_over_the_straightened_page(form, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(jpeg(photograph(slip(digit=""), 0.5, turn=90)))

    result = numeral(
        "forms", "check", form, "--picture", "photo.jpg", "--out", "boxes.png", folder=tmp_path
    )

    assert result.returncode == 0, result.stderr
    first, *lines = result.stdout.splitlines()
    assert first.endswith(": fields: 4")
    assert lines == ["zip: 94110", "again:  blank", "digit: ? blank", "agreed: true"]
    drawn = cv2.imread(str(tmp_path / "boxes.png"))
    assert drawn.shape == (747, 1600, 3)
    green = (drawn == (0, 120, 0)).all(axis=2)
    assert green[160:278, 210:218].any()
    assert not green[300:360].any()


def test_a_wrong_form_and_a_picture_without_the_page_are_errors(form, tmp_path):
    (tmp_path / "other.png").write_bytes(cv2.imencode(".png", slip("none"))[1].tobytes())

    without = numeral("forms", "check", form, "--picture", tmp_path / "other.png")
    form.write_text(form.read_text().replace("kind: mark", "kind: stamp"))
    wrong = numeral("forms", "check", form)

    assert (without.returncode, wrong.returncode) == (1, 2)
    assert "page_not_found" in without.stderr
    assert "slip.yaml:8:" in wrong.stderr


def test_options_that_the_form_decides_are_errors(form):
    for option in (["--decimal", ","], ["--min-length", "2"], ["--expected", "1.50"]):
        result = numeral("read", "--form", form, *option, "photo.jpg")

        assert result.returncode == 2, option
