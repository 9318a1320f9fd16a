"""From a trained reader to a published one, with real graphs."""

import numpy as np
import pytest

from models.fields.confidence import Features
from models.manifest import load_manifest, read_model_file
from models.strips import CLASSES, HEIGHT, STRIDE
from tests.amounts import write_amounts
from tests.commands import run_here
from tests.generated import drawn_mnist

keras = pytest.importorskip("keras", reason="requires the extra 'training' (no TensorFlow here)")
onnx = pytest.importorskip("onnx", reason="requires the extra 'training'")

from export.publish import Exported, PublishError, publish  # noqa: E402
from export.reader import calibrate  # noqa: E402
from export.reader.calibrate import Judged  # noqa: E402
from export.reader.convert import convert, in_eight_bits  # noqa: E402
from export.reader.measure import digit_error_rate, edit_distance  # noqa: E402
from export.reader.pipeline import export_reader  # noqa: E402
from export.reader.read import run  # noqa: E402
from export.reader.verify import verify, verify_contract  # noqa: E402
from export.verify import VerificationError  # noqa: E402
from training.reader.amounts import load_amounts  # noqa: E402
from training.reader.architecture import build  # noqa: E402
from training.reader.samples import Sample  # noqa: E402
from training.recipes import READER  # noqa: E402
from training.runs import Run, RunConfig, RunError  # noqa: E402

RANDOM = np.random.default_rng(5)


@pytest.fixture(scope="module")
def model():
    keras.utils.set_random_seed(7)
    return build()


@pytest.fixture(scope="module")
def strips():
    return [
        RANDOM.integers(0, 256, (HEIGHT, STRIDE * steps)).astype(np.uint8)
        for steps in (20, 9, 31, 20, 40)
    ]


def test_a_reader_follows_its_contract_and_answers_like_keras(model, strips):
    verify(convert(model, temperature=1.7), model, strips, temperature=1.7)


def test_a_reader_at_another_temperature_is_rejected(model, strips):
    with pytest.raises(VerificationError, match="not those of the logits divided by 2"):
        verify(convert(model, temperature=1.7), model, strips, temperature=2.0)


def test_a_reader_with_a_fixed_width_is_rejected(model, strips):
    exported = convert(model)
    exported.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 160
    with pytest.raises(VerificationError, match="image is"):
        verify(exported, model, strips, temperature=1.0)


def test_outputs_exclude_padding(model, strips):
    outputs = run(convert(model).SerializeToString(), strips)

    assert [o.log_probabilities.shape for o in outputs] == [
        (strip.shape[1] // STRIDE, CLASSES) for strip in strips
    ]


def test_a_reader_in_8_bits_follows_the_contract_and_keeps_its_first_and_last_layer(model, strips):
    full = convert(model, metadata={"recipe": "tidy"})
    small = in_eight_bits(full, strips)

    verify_contract(small, "small")
    assert small.ByteSize() < full.ByteSize() / 3
    assert {p.key for p in small.metadata_props} >= {"recipe"}
    as_floats = {tensor.name for tensor in small.graph.initializer if tensor.data_type == 1}
    weights = [node.input[1] in as_floats for node in small.graph.node if node.op_type == "Conv"]
    assert (weights[0], any(weights[1:-1]), weights[-1]) == (True, False, True)
    outputs, reference = (run(graph.SerializeToString(), strips) for graph in (small, full))
    for one, other in zip(outputs, reference, strict=True):
        np.testing.assert_allclose(one.logits, other.logits, atol=0.1 * np.abs(other.logits).max())


@pytest.fixture(scope="module")
def finished_run(model, tmp_path_factory):
    run = Run(tmp_path_factory.mktemp("run"))
    run.prepare(RunConfig("reader", READER, seed=1, train_images=40, validation_images=10))
    run.save_model(model)
    return run


@pytest.fixture(scope="module")
def exported(finished_run, tmp_path_factory):
    amounts = load_amounts(write_amounts(tmp_path_factory.mktemp("data") / "amounts", count=50))
    return export_reader(finished_run, drawn_mnist(), amounts, composed=6)


def test_publishing_a_reader_does_not_change_digit_models(exported, models_copy):
    before = load_manifest(models_copy)

    publish(models_copy, [exported])

    after = load_manifest(models_copy)
    assert (after.models, after.default) == (before.models, before.default)
    assert [reader.name for reader in after.readers] == ["reader"]
    assert read_model_file(models_copy, after.readers[0]) == exported.content
    assert after.readers[0].training.recipe == READER.name
    assert after.readers[0].held_out.amounts.strips == 10
    assert after.readers[0].held_out.composed.strips == 12
    assert [point.max_error for point in after.readers[0].operating_points] == list(
        calibrate.MAX_ERRORS
    )


def test_publishing_a_digit_model_does_not_change_the_reader(exported, models_copy):
    publish(models_copy, [exported])
    card = load_manifest(models_copy).models[0]

    publish(models_copy, [Exported(card, read_model_file(models_copy, card))])

    assert load_manifest(models_copy).readers == (exported.card,)
    assert (models_copy / "reader.onnx").is_file()


def test_a_reader_needs_a_published_digit_model(exported, tmp_path):
    with pytest.raises(PublishError, match="export one of those first"):
        publish(tmp_path, [exported])
    assert list(tmp_path.iterdir()) == []


def test_a_run_of_other_amounts_is_rejected(finished_run, tmp_path):
    amounts = load_amounts(write_amounts(tmp_path, count=20))

    with pytest.raises(RunError, match="held out 10 amounts and cells, the data has 4"):
        export_reader(finished_run, drawn_mnist(), amounts)


def test_a_reader_without_amounts_ends_in_one_line(finished_run, tmp_path):
    failed = run_here(
        "export", finished_run.folder, "--models-dir", tmp_path, check=False, NUMERAL_DATA=None
    )

    assert failed.returncode == 1
    assert "the reader is calibrated on orand-car-a" in failed.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_temperature_of_overconfident_logits_is_found():
    logits, samples = [], []
    for _ in range(200):
        digit = RANDOM.integers(10)
        # Labels drawn from the softmax at temperature 1, then logits doubled.
        drawn = np.full((1, CLASSES), -30.0, np.float32)
        drawn[0, 1:11] = RANDOM.normal(0, 1.5, 10)
        shares = np.exp(drawn[0, 1:11]) / np.exp(drawn[0, 1:11]).sum()
        digit = RANDOM.choice(10, p=shares)
        logits.append(2 * drawn)
        samples.append(Sample(np.zeros((HEIGHT, STRIDE), np.uint8), str(digit), True))

    assert calibrate.fit_temperature(logits, samples) == pytest.approx(2, rel=0.25)


def test_the_confidence_rule_fits_the_accuracy():
    odds = RANDOM.normal(0, 2, 4000)
    correct = RANDOM.random(4000) < 1 / (1 + np.exp(-(odds - 1)))

    rule = calibrate.fit_confidence(
        [Features(value, 0.0, 0.0) for value in odds], correct, np.ones(4000)
    )

    assert rule.intercept == pytest.approx(-1, abs=0.2)
    assert rule.probability == pytest.approx(1, abs=0.15)
    assert min(rule.margin, rule.weakest) >= 0


def test_amounts_can_raise_the_threshold_of_composed_strips():
    sure = np.linspace(0.5, 0.9999, 3000)
    right = RANDOM.random(3000) < sure
    composed, at = Judged(sure, right), np.full(100, 0.97)
    calm = calibrate.choose(composed, [Judged(at, np.ones(100, bool))], 0.05)
    contradicted = calibrate.choose(composed, [Judged(at, np.arange(100) % 2 == 0)], 0.05)

    assert calm <= 0.97 < contradicted


def test_amounts_can_contradict_every_threshold():
    sure = np.linspace(0.5, 0.9999, 3000)
    right = RANDOM.random(3000) < sure
    surely_wrong = Judged(np.full(100, 0.9999), np.zeros(100, bool))

    assert calibrate.choose(Judged(sure, right), [surely_wrong], 0.05) is None


def test_few_strips_show_no_threshold():
    few = Judged(np.full(10, 0.999), np.ones(10, bool))
    assert calibrate.choose(few, [few], 0.005) is None


@pytest.mark.parametrize(
    ("read", "written", "edits"),
    [("180", "180", 0), ("", "18", 2), ("1800", "180", 1), ("170", "180", 1), ("018", "180", 2)],
)
def test_edits_are_counted(read, written, edits):
    assert edit_distance(read, written) == edit_distance(written, read) == edits


def test_the_digit_error_rate_is_per_written_digit():
    assert digit_error_rate(["18", "5"], ["180", "5"]) == pytest.approx(1 / 4)
