"""The benchmark as a command."""

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.conditions import CONDITIONS, SEVERITIES
from benchmarks.junk import KINDS
from benchmarks.measure import auroc
from benchmarks.real import NotThere, cheque_digits
from benchmarks.results import Results
from benchmarks.robustness import FIGURES, REPORT, app
from service.imaging import decode
from tests.generated import drawn_mnist, write_idx


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """What a run on a few drawn digits, in this process, leaves."""
    data = write_idx(tmp_path_factory.mktemp("data"), drawn_mnist(train=10, test=10))
    out = tmp_path_factory.mktemp("out") / "docs"
    arguments = [
        *("--data-dir", str(data), "--no-verify", "--images", "3", "--workers", "0"),
        *("--models", "lenet5", "--out", str(out)),
    ]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return out


def test_every_condition_severity_and_kind_of_junk_is_measured(out):
    results = Results.model_validate_json((out / FIGURES).read_bytes())

    measured = [(result.condition, result.severity) for result in results.conditions]
    assert measured == [
        (condition.name, severity)
        for condition in CONDITIONS
        for severity in range(1, SEVERITIES + 1)
    ]
    assert [result.kind for result in results.junk] == list(KINDS)
    assert {
        score.images for found in results.conditions for score in found.normalised.values()
    } == {3}


def test_the_report_names_every_condition_and_the_command(out):
    page = (out / REPORT).read_text()

    assert "python -m benchmarks.robustness --images 3 --models lenet5" in page
    for condition in CONDITIONS:
        assert f"| {condition.name} |" in page
    for kind in KINDS:
        assert f"| {kind} |" in page


def test_what_is_not_there_is_said(out):
    assert "orand-car-a/labels.csv is not there" in (out / REPORT).read_text()


def test_cheque_digits_are_cut_by_their_boxes(tmp_path):
    (tmp_path / "orand-car-a" / "images").mkdir(parents=True)
    strip = np.zeros((40, 60, 3), np.uint8)
    strip[10:30, 5:15] = 255
    cv2.imwrite(str(tmp_path / "orand-car-a/images/a.png"), strip)
    (tmp_path / "orand-car-a/labels.csv").write_text(
        'file,digits,boxes_xywh\na.png,17,"5,10,10,20;30,0,20,40"\n'
    )

    found = cheque_digits(tmp_path)

    assert found.labels.tolist() == [1, 7]
    first, second = (decode(picture, max_pixels=10_000) for picture in found.pictures)
    assert first.shape == (20, 10)
    assert first.min() == 255
    assert second.shape == (40, 20)


def test_cheque_digits_that_are_not_there_are_missed_by_name(tmp_path):
    with pytest.raises(NotThere, match="orand-car-a"):
        cheque_digits(tmp_path)


def test_auroc_counts_pairs_and_halves_ties():
    assert auroc(np.array([0.9, 0.8]), np.array([0.1, 0.2])) == 1
    assert auroc(np.array([0.1]), np.array([0.9])) == 0
    assert auroc(np.array([0.5, 1.0]), np.array([0.5])) == 0.75
