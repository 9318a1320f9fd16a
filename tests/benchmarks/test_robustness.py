"""The robustness benchmark: answers, scores, and the command."""

import dataclasses

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks.reports import PUBLISHED, Split
from benchmarks.robustness.__main__ import app
from benchmarks.robustness.conditions import CLEAN, CONDITIONS, SEVERITIES, png
from benchmarks.robustness.junk import KINDS
from benchmarks.robustness.measure import auroc
from benchmarks.robustness.readers import Answers, Readers, Source, open_readers, resized
from benchmarks.robustness.report import markdown
from benchmarks.robustness.results import Decisions, Expected, Results, Score
from models.manifest import PACKAGE_DIRECTORY
from service.inference.decisions import Criteria, Reason
from tests.generated import drawn_digits, drawn_mnist, write_idx

DIGITS = drawn_digits(70, seed=3)
PICTURES = CLEAN.pictures(DIGITS.images, 1, seed=1)
BLANK = png(np.full((50, 50), 255, np.uint8))


@pytest.fixture(scope="module")
def readers() -> Readers:
    return open_readers(Source(PACKAGE_DIRECTORY, ("cnn", "mlp"), 0.001))


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    """The folder of the report of a run on a few drawn digits, in this process."""
    folder = tmp_path_factory.mktemp("run")
    data = write_idx(folder / "data", drawn_mnist(train=10, test=10))
    arguments = [
        *("--data-dir", str(data), "--no-verify", "--images", "3", "--workers", "0"),
        *("--models", "lenet5", "--out", str(folder / "reports")),
    ]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return folder / "reports"


@pytest.fixture(scope="module")
def results(out) -> Results:
    return Results.model_validate_json((out / "robustness.json").read_bytes())


def test_answers_are_those_of_the_service_in_order(readers):
    outcomes = readers.pipelines["cnn"].read(PICTURES)

    found = readers.read(PICTURES)["cnn"]

    assert found.digits.tolist() == [outcome.answer.digit for outcome in outcomes]
    assert found.confidences == pytest.approx([outcome.answer.confidence for outcome in outcomes])


def test_blank_and_unreadable_pictures_have_no_digit(readers):
    found = readers.read([BLANK, b"no picture", PICTURES[0]])["mlp"]
    alone = readers.read(PICTURES[:1])["mlp"]

    assert found.digits[:2].tolist() == [-1, -1]
    assert found.confidences[:2].tolist() == [0, 0]
    assert not found.accepted[:2].any()
    assert found.reasons[:2] == ((Reason.BLANK,), ())
    assert found.confidences[2] == pytest.approx(alone.confidences[0], rel=1e-3)


def test_without_a_threshold_nothing_is_accepted(readers):
    silent = dataclasses.replace(readers.pipelines["cnn"], criteria=Criteria(None, 3.0))

    found = Readers({"cnn": silent}).read(PICTURES)["cnn"]

    assert not found.accepted.any()
    assert found.score(DIGITS.labels).error_rate is None


@pytest.mark.parametrize("rim", [0, 255])
def test_the_plain_resize_gives_light_ink(rim):
    picture = np.full((140, 140), rim, np.uint8)
    cv2.circle(picture, (70, 70), 40, 255 - rim, -1)

    image = resized(png(picture))

    assert image.shape == (28, 28)
    assert image[14, 14] > 250
    assert image[0, 0] < 5


def test_scores_and_decisions_of_four_answers():
    answers = answers_of_four()
    score = answers.score(np.array([1, 3, 3, 4], np.uint8))
    reasons = {
        "low_confidence": 1,
        "blank": 1,
        "not_a_digit": 1,
        "several_digits": 0,
        "cut_off": 0,
    }

    assert (score.accuracy, score.read_rate, score.error_rate) == (0.5, 0.5, 0.5)
    assert answers.decisions() == Decisions(accepted=2, reasons=reasons)


def test_the_bound_is_that_of_clopper_and_pearson():
    def bound(errors, accepted):
        return Score(images=500, correct=0, accepted=accepted, errors=errors).error_bound

    assert bound(0, 299) == pytest.approx(1 - 0.05 ** (1 / 299))
    assert bound(1, 50) == pytest.approx(0.0914, abs=1e-4)
    assert bound(0, 0) == bound(7, 7) == 1


def test_auroc_counts_pairs_and_halves_ties():
    assert auroc(np.array([0.9, 0.8]), np.array([0.1, 0.2])) == 1
    assert auroc(np.array([0.1]), np.array([0.9])) == 0
    assert auroc(np.array([0.5, 1.0]), np.array([0.5])) == 0.75


def test_only_figures_on_test_digits_are_published(tmp_path):
    mnist = drawn_mnist(train=30, test=10)
    data = write_idx(tmp_path, mnist)

    assert Split.TEST.folder(None) == PUBLISHED != Split.TRAIN.folder(None)
    for split, part in ((Split.TEST, mnist.test), (Split.TRAIN, mnist.train)):
        np.testing.assert_array_equal(split.load(data, verify=False).images, part.images)


def test_a_run_measures_and_reports_everything(out, results):
    page = (out / "robustness.md").read_text()
    severities = range(1, SEVERITIES + 1)

    assert [(result.condition, result.severity) for result in results.conditions] == [
        (condition.name, severity) for condition in CONDITIONS for severity in severities
    ]
    assert [result.kind for result in results.junk] == list(KINDS)
    assert {result.normalised["lenet5"].images for result in results.conditions} == {3}
    assert all(f"| {name} |" in page for name in (*(c.name for c in CONDITIONS), *KINDS))
    assert results.command in page
    assert "A E F H K M N P R V W X" in page
    assert "has no orand-car-a/labels.csv" in page
    blank = next(found for found in results.junk if found.kind == "blank paper")
    assert blank.decisions["lenet5"].reasons["blank"] > 0
    assert results.clean_decisions["lenet5"].reasons["blank"] == 0


def test_pages_without_a_digit_count_apart(results):
    found = [each for each in results.conditions if each.expected is Expected.BLANK]

    assert len(found) == 10 * SEVERITIES
    assert sum(each.blank for each in found) > 0.8 * 3 * len(found)
    assert all(each.normalised["lenet5"].correct == each.blank for each in found)
    assert not any(each in found for each in results.of_digits())


def test_the_worst_are_single_severities_with_enough_accepted(results):
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

    page = "\n".join(markdown(results.model_copy(update={"conditions": conditions})))

    worst = page.partition("worst conditions")[2].partition("\n## ")[0]
    first, second = [line for line in worst.splitlines() if line.startswith("| lenet5")][:2]
    assert first.startswith(
        f"| lenet5 (1 of {len(results.of_digits())}) | fog | 3 | 2.00% | 9.14% | 1 | 50"
    )
    assert "| shear | 2 | 1.00% | 2.09% | 5 | 500 |" in second


def test_kinds_of_junk_that_training_draws_have_a_total_of_their_own(results):
    accepted = {"trained kind": 3, "new kind": 0, "apart": 2}
    junk = tuple(
        found.model_copy(
            update={"decisions": {"lenet5": Decisions(accepted=accepted[found.group], reasons={})}}
        )
        for found in results.junk
    )

    page = "\n".join(markdown(results.model_copy(update={"junk": junk})))

    assert "| all of a trained kind: accepted |  | 100.0% |" in page
    assert "| all of a new kind: accepted |  | 0.0% |" in page


def answers_of_four() -> Answers:
    """A sure right answer, one like it, a blank picture, a doubtful one."""
    return Answers(
        digits=np.array([1, 2, -1, 4]),
        confidences=np.array([0.99, 0.99, 0, 0.3]),
        accepted=np.array([True, True, False, False]),
        reasons=((), (), (Reason.BLANK,), (Reason.NOT_A_DIGIT, Reason.LOW_CONFIDENCE)),
    )
