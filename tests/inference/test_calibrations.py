"""Calibrations: fitted to readings, saved, loaded, and refused when they do not fit."""

import json

import numpy as np
import pytest

from models.manifest import PACKAGE_DIRECTORY, load_manifest
from service.errors import UnsupportedMaxError, UnusableCalibration
from service.imaging import Ink
from service.inference.calibrations import calibrate
from service.inference.catalogue import NothingToServe, load_catalogue
from service.inference.decisions import Answer, Decision, Reason, soften, soften_alone
from service.inference.digits import DigitOptions, Reading
from service.inference.fields import FieldOptions

CARD = next(card for card in load_manifest(PACKAGE_DIRECTORY).models if card.name == "mlp")
NO_LOGITS = np.zeros(10, np.float32)


def readings(count, *, wrong=(), reasons=(Reason.LOW_CONFIDENCE,)):
    """Answers 7, surer and surer, and their texts, which differ from 7 at the places `wrong`."""
    made = []
    for sure in 1 - np.logspace(-2, -6, count):
        probabilities = np.full(10, (1 - sure) / 9, np.float32)
        probabilities[7] = sure
        answer = Answer(7, float(sure), probabilities, Decision.REVIEW, reasons)
        made.append(Reading(CARD, answer, NO_LOGITS))
    return made, ["1" if place in wrong else "7" for place in range(count)]


def fitted(*, name="mine", **changes):
    return calibrate(*readings(4_000), name=name, labels="labels.csv").model_copy(update=changes)


def with_stroke(**distribution):
    document = json.loads(fitted().model_dump_json())
    return json.dumps(document | {"distributions": {"stroke": distribution}}).encode()


def catalogue_of(folder, *defaults):
    return load_catalogue(PACKAGE_DIRECTORY, "mlp", folder, defaults)


def pipeline_of(catalogue, **options):
    return catalogue.digits(DigitOptions(**options), max_error=0.001, max_pixels=10**6)


def test_enough_right_pictures_show_a_rate_and_too_few_say_how_many_are_missing():
    points = fitted().operating_points

    assert [point.max_error for point in points] == [0.01, 0.005, 0.001, 0.0005]
    assert [point.missing for point in points] == [0, 0, 0, 5_990 - 4_000]
    assert [point.threshold is None for point in points] == [False, False, False, True]
    assert points[0].found.accepted == points[0].found.images == 4_000


def test_a_confident_mistake_costs_the_strict_rates():
    made, texts = readings(2_000, wrong=[1_990])

    strict = calibrate(made, texts, name="mine", labels="x").operating_points[2]

    assert strict.threshold is None
    assert 2_995 - 9 <= strict.missing <= 2_995


def test_a_picture_with_another_reason_for_review_is_never_accepted():
    made, texts = readings(4_000, reasons=(Reason.SEVERAL_DIGITS, Reason.LOW_CONFIDENCE))

    assert calibrate(made, texts, name="x", labels="x").operating_points[0].threshold is None


def test_a_picture_counts_only_as_far_as_it_shows_a_digit():
    made, texts = readings(4_000)
    doubted = [reading._replace(outlier=0.5) for reading in made]

    plain, less = (
        calibrate(each, texts, name="x", labels="x").operating_points[1].threshold
        for each in (made, doubted)
    )

    assert plain == 0.5
    assert less is None


def test_answers_that_are_too_sure_are_softened():
    made, texts = readings(2_000, wrong=range(0, 2_000, 10))

    calibrated = calibrate(made, texts, name="x", labels="x")

    assert calibrated.temperature > 1
    before = made[0].answer.probabilities
    after = soften(before, calibrated.temperature)
    assert after.sum() == pytest.approx(1)
    assert before.max() > after.max() > 0.5
    assert soften_alone(0.99, 2.0) == pytest.approx(0.99**0.5 / (0.99**0.5 + 0.01**0.5))


def test_a_saved_calibration_decides_by_name_or_by_default(tmp_path):
    threshold = fitted().operating_points[0].threshold
    fitted(temperature=2.0).save(tmp_path / "bank-a.json")

    named = pipeline_of(catalogue_of(tmp_path), calibration="bank-a", max_error=0.01)
    default = pipeline_of(catalogue_of(tmp_path, "bank-a"), max_error=0.01)
    other = pipeline_of(catalogue_of(tmp_path, "bank-a"), model="lenet5", max_error=0.01)

    assert named.criteria == default.criteria
    assert (named.criteria.threshold, named.criteria.temperature) == (threshold, 2.0)
    assert (other.name, other.criteria.temperature) == ("lenet5", 1.0)


def test_a_rate_that_was_not_shown_is_refused(tmp_path):
    fitted().save(tmp_path / "bank-a.json")

    with pytest.raises(UnsupportedMaxError, match=r"bank-a was not shown .*0\.0005.*0\.001"):
        pipeline_of(catalogue_of(tmp_path), calibration="bank-a", max_error=0.0005)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", "not JSON"),
        (b"[]", "no calibration"),
        (b'{"model": 1}', "no calibration: operating_points"),
        (fitted(version="00000000").model_dump_json().encode(), r"which is now .*calibrate again"),
        (fitted(model="vgg").model_dump_json().encode(), "no such model"),
        (fitted(temperature=1e-300).model_dump_json().encode(), "no calibration: temperature"),
        (with_stroke(edges=[3.0, 2.0], pictures=[1, 1, 1]), "stroke: .*edges must rise"),
        (with_stroke(edges=[2.0, 3.0], pictures=[1, 1]), "stroke: .*2 edges make 3 bins"),
        (with_stroke(edges=[], pictures=[1]), "no calibration: distributions.stroke.edges"),
        (with_stroke(edges=[2.0], pictures=[0, 0]), "0 pictures are too few"),
        (with_stroke(edges=[2.0], pictures=[10**400, 5]), "distributions.stroke.pictures"),
        (with_stroke(edges=[*range(10)], pictures=[9] * 11), "distributions.stroke.edges"),
        (fitted(temperature=1e300).model_dump_json().encode(), "no calibration: temperature"),
    ],
)
def test_a_file_that_does_not_fit_is_named_with_its_reason(tmp_path, content, says):
    (tmp_path / "bank-a.json").write_bytes(content)
    catalogue = catalogue_of(tmp_path)

    with pytest.raises(UnusableCalibration, match=says):
        pipeline_of(catalogue, calibration="bank-a")
    # The published thresholds would be another promise.
    with pytest.raises(NothingToServe, match=says):
        catalogue_of(tmp_path, "bank-a")


def test_what_is_no_file_is_refused(tmp_path):
    (tmp_path / "bank-a.json").mkdir()

    assert "not a regular file" in catalogue_of(tmp_path).calibration_failures["bank-a"]


def test_an_unknown_calibration_or_one_of_another_model_is_refused(tmp_path):
    fitted().save(tmp_path / "bank-a.json")
    catalogue = catalogue_of(tmp_path)

    with pytest.raises(UnusableCalibration, match=r"'bank-b'.* are bank-a"):
        pipeline_of(catalogue, calibration="bank-b")
    with pytest.raises(UnusableCalibration, match="for the model 'mlp', not for 'cnn'"):
        pipeline_of(catalogue, calibration="bank-a", model="cnn")
    options = FieldOptions(calibration="bank-a")
    with pytest.raises(UnusableCalibration, match="is for single digits"):
        catalogue.fields(options, max_error=0.01, max_pixels=10**6)


def test_a_model_has_one_default_calibration(tmp_path):
    for name in ("bank-a", "bank-b"):
        fitted().save(tmp_path / f"{name}.json")

    with pytest.raises(NothingToServe, match="bank-a and bank-b are both for mlp"):
        catalogue_of(tmp_path, "bank-a", "bank-b")


def test_a_file_keeps_the_distributions_and_one_of_an_earlier_version_has_none(tmp_path):
    made, texts = readings(200)
    inks = [Ink(40 + place % 20, 255, 2 + 0.01 * place) for place in range(200)]
    saved = calibrate(made, texts, name="new", labels="x", inks=inks)
    saved.save(tmp_path / "new.json")
    document = json.loads((tmp_path / "new.json").read_text())
    assert set(document.pop("distributions")) == {"confidence", "height", "contrast", "stroke"}
    (tmp_path / "old.json").write_text(json.dumps(document))

    loaded = catalogue_of(tmp_path).calibrations

    assert loaded["new"].distributions == saved.distributions
    assert loaded["new"].distributions["stroke"].pictures == (20,) * 10
    assert loaded["new"].distributions["contrast"].pictures == (0, 200)
    assert loaded["old"].distributions == {}
    assert pipeline_of(catalogue_of(tmp_path, "new")).calibration == "new"


def test_a_saved_file_holds_no_name(tmp_path):
    fitted().save(tmp_path / "x.json")

    assert "name" not in json.loads((tmp_path / "x.json").read_text())
