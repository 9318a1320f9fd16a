"""The benchmark as a command."""

import shlex
import shutil

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.conditions import CONDITIONS, SEVERITIES
from benchmarks.junk import KINDS
from benchmarks.measure import auroc
from benchmarks.real import NotThere, cheque_digits
from benchmarks.report import markdown
from benchmarks.results import Decisions, Results, Score
from benchmarks.robustness import FIGURES, REPORT, app
from models.manifest import PACKAGE_DIRECTORY
from service.imaging import decode
from service.inference.decisions import Reason
from tests.generated import drawn_mnist, write_idx


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """What a run on a few drawn digits, in this process, leaves."""
    folder = tmp_path_factory.mktemp("run")
    data = write_idx(folder / "data", drawn_mnist(train=10, test=10))
    models = shutil.copytree(PACKAGE_DIRECTORY, folder / "models")
    out = folder / "docs"
    arguments = [
        *("--data-dir", str(data), "--no-verify", "--images", "3", "--workers", "0"),
        *("--models", "lenet5", "--models-dir", str(models), "--out", str(out)),
    ]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return out


@pytest.fixture(scope="module")
def results(out) -> Results:
    """What that run found."""
    return Results.model_validate_json((out / FIGURES).read_bytes())


def test_every_condition_severity_and_kind_of_junk_is_measured(results):
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


def test_the_recorded_command_is_the_one_that_ran(out, results):
    recorded = shlex.split(results.command)
    assert recorded[:3] == ["python", "-m", "benchmarks.robustness"]
    options = dict(zip(recorded[3:-1:2], recorded[4:-1:2], strict=True))
    assert options == {
        "--data-dir": str(out.parent / "data"),
        "--images": "3",
        "--models-dir": str(out.parent / "models"),
        "--models": "lenet5",
    }
    assert recorded[-1] == "--no-verify"
    assert results.command in (out / REPORT).read_text()


def test_the_report_names_every_condition(out):
    page = (out / REPORT).read_text()

    for condition in CONDITIONS:
        assert f"| {condition.name} |" in page
    for kind in KINDS:
        assert f"| {kind} |" in page


def test_the_report_says_which_letters_are_left_out(out):
    assert "B C D G I J L O Q S T U Y Z" in (out / REPORT).read_text()


def test_the_worst_are_single_severities_of_which_enough_are_accepted(results):
    few, some, many = (
        Score(images=1000, correct=900, accepted=accepted, errors=errors)
        for accepted, errors in ((49, 5), (50, 1), (500, 5))
    )
    good = Score(images=1000, correct=1000, accepted=1000, errors=0)
    scores = {("fog", 1): few, ("fog", 3): some, ("shear", 2): many}
    conditions = tuple(
        result.model_copy(
            update={"normalised": {"lenet5": scores.get((result.condition, result.severity), good)}}
        )
        for result in results.conditions
    )

    page = markdown(results.model_copy(update={"conditions": conditions}))

    worst = page.partition("worst conditions")[2].partition("\n## ")[0]
    first, second = [line for line in worst.splitlines() if line.startswith("| lenet5")][:2]
    assert first.startswith(f"| lenet5 (1 of {len(conditions)}) | fog | 3 | 2.00% | 9.14% | 1 | 50")
    assert "| shear | 2 | 1.00% | 2.09% | 5 | 500 |" in second


def test_the_bound_is_that_of_clopper_and_pearson():
    def bound(errors, accepted):
        return Score(images=500, correct=0, accepted=accepted, errors=errors).error_bound

    assert bound(0, 299) == pytest.approx(1 - 0.05 ** (1 / 299))
    assert bound(1, 50) == pytest.approx(0.0914, abs=1e-4)
    assert bound(0, 0) == bound(7, 7) == 1


def test_kinds_of_junk_that_training_draws_have_their_own_total(results):
    accepted = {"trained kind": 3, "new kind": 0, "apart": 2}
    junk = tuple(
        result.model_copy(
            update={"decisions": {"lenet5": Decisions(accepted=accepted[result.group], reasons={})}}
        )
        for result in results.junk
    )

    page = markdown(results.model_copy(update={"junk": junk}))

    assert "| all of a trained kind: accepted |  | 100.0% |" in page
    assert "| all of a new kind: accepted |  | 0.0% |" in page


def test_reasons_are_given_for_every_kind_of_junk_and_for_digits(results):
    assert all(set(found.decisions["lenet5"].reasons) == set(Reason) for found in results.junk)
    blank = next(found for found in results.junk if found.kind == "blank paper")
    assert blank.decisions["lenet5"].reasons["blank"] > 0
    assert results.clean_decisions["lenet5"].reasons["blank"] == 0


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


def test_a_cheque_that_cannot_be_opened_is_missed_by_name(tmp_path):
    (tmp_path / "orand-car-a").mkdir()
    (tmp_path / "orand-car-a/labels.csv").write_text(
        'file,digits,boxes_xywh\ngone.png,1,"5,10,10,20"\n'
    )

    with pytest.raises(NotThere, match=r"gone\.png is missing or no picture"):
        cheque_digits(tmp_path)


def test_auroc_counts_pairs_and_halves_ties():
    assert auroc(np.array([0.9, 0.8]), np.array([0.1, 0.2])) == 1
    assert auroc(np.array([0.1]), np.array([0.9])) == 0
    assert auroc(np.array([0.5, 1.0]), np.array([0.5])) == 0.75
