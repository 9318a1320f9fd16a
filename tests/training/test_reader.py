"""Loss and network of the reader, and a short training with an interruption."""

from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from models.strips import BLANK, CLASSES, HEIGHT, PAPER, STRIDE, SYMBOLS, pad, standardise
from tests.amounts import write_amounts, write_cells
from tests.generated import drawn_mnist

keras = pytest.importorskip("keras", reason="requires the extra 'training' (no TensorFlow here)")

from training.reader import fit  # noqa: E402
from training.reader.amounts import hold_out, load_amounts  # noqa: E402
from training.reader.architecture import build  # noqa: E402
from training.reader.batches import POOL, batches  # noqa: E402
from training.reader.boxes import with_boxes  # noqa: E402
from training.reader.cells import load_cells  # noqa: E402
from training.reader.fit import Task, fit_reader  # noqa: E402
from training.reader.loss import ctc  # noqa: E402
from training.reader.samples import Material, Mixture  # noqa: E402
from training.reader.targets import targets  # noqa: E402
from training.recipes import READER, TIDY_READER  # noqa: E402
from training.runs import Run, RunConfig, RunError  # noqa: E402


def logits_of(steps, confidence=12.0):
    """Logits [1, steps, classes] for the symbols of `steps`; `_` is the blank."""
    classes = [BLANK if symbol == "_" else 1 + SYMBOLS.index(symbol) for symbol in steps]
    return confidence * np.eye(CLASSES, dtype=np.float32)[classes][None]


def loss_of(steps, text, *, labelled):
    return float(ctc(targets([text], [labelled]), logits_of(steps))[0])


def test_the_loss_is_small_for_the_right_text_only():
    assert loss_of("_1_2.2_", "12.2", labelled=True) < 0.1
    assert loss_of("_1_2.2_", "12.3", labelled=True) > 5


def test_a_labelled_strip_must_not_have_other_separators():
    assert loss_of("_12.5_", "125", labelled=True) > 5


def test_an_unlabelled_strip_can_have_any_separators():
    assert loss_of("_12.5_-", "125", labelled=False) < 0.1


def test_an_unlabelled_strip_has_no_fraction():
    assert loss_of("_12/5_", "125", labelled=False) > 5


def test_an_unlabelled_separator_separates_equal_digits():
    assert loss_of("_1.1_", "11", labelled=False) < 0.1
    assert loss_of("_111_", "11", labelled=False) > 5


def test_a_strip_of_blanks_has_the_empty_text():
    assert loss_of("_____", "", labelled=True) < 0.1
    assert loss_of("__3__", "", labelled=True) > 5


@pytest.fixture(scope="module")
def network():
    keras.utils.set_random_seed(1)
    return build()


def test_the_network_has_a_step_for_every_four_columns(network):
    strips = np.zeros((2, HEIGHT, 96), np.uint8)

    logits = network(strips).numpy()

    assert network.input.dtype == "uint8"
    assert logits.shape == (2, 96 // STRIDE, CLASSES)


def test_padding_far_away_changes_nothing(network):
    page = np.full((50, 200), 220, np.uint8)
    page[10:40, 20:180:25] = 30
    strip = standardise(page).pixels

    alone = network(pad([strip])).numpy()[0]
    with_a_longer_one = network(pad([strip, np.hstack([strip] * 4)])).numpy()[0]

    middle = slice(0, len(alone) // 3)
    np.testing.assert_allclose(with_a_longer_one[middle], alone[middle], atol=1e-4)


@pytest.fixture(scope="module")
def material(tmp_path_factory):
    folder = tmp_path_factory.mktemp("amounts") / "orand-car-a"
    write_amounts(folder)
    return drawn_mnist(), load_amounts(folder.parent)


def train(material, folder, **settings):
    mnist, amounts = material
    task = Task(READER.with_(epochs=2, batch_size=4), steps=4, checks=6)
    return fit_reader(task, mnist, amounts, folder, **settings)


class Interrupt(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def interrupted(material, tmp_path_factory):
    """A run that was interrupted and continued, and the first pool of each training."""
    folder, started_at = tmp_path_factory.mktemp("runs"), []

    def recorded(*arguments, first, **settings):
        started_at.append(first)
        return batches(*arguments, first=first, **settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fit, "batches", recorded)
        with pytest.raises(KeyboardInterrupt):
            train(material, folder, callbacks=[Interrupt()])
        return train(material, folder), started_at


def test_an_interrupted_training_continues(interrupted):
    run, started_at = interrupted

    assert started_at == [0, 1]  # pools of four batches, one per epoch
    history = run.history()
    assert [row["epoch"] for row in history] == [1, 2]
    assert {"loss", "val_amounts", "val_composed", "val_zip_codes"} <= set(history[0])
    assert run.load_model().output.shape == (None, None, CLASSES)
    assert not run.backup_folder.exists()


def test_batches_from_a_later_pool_equal_those_of_an_uninterrupted_run(material):
    mnist, amounts = material
    drawn_of = Material.of(mnist.train, amounts), Mixture(), 2
    uninterrupted = islice(batches(*drawn_of, seed=1, first=0), 2 * POOL)
    resumed = islice(batches(*drawn_of, seed=1, first=1), POOL)

    for (strips, texts), (expected, expected_texts) in zip(
        resumed, islice(uninterrupted, POOL, None), strict=True
    ):
        np.testing.assert_array_equal(strips, expected)
        np.testing.assert_array_equal(texts, expected_texts)


def test_a_second_training_starts_from_the_first(material, interrupted, tmp_path):
    (mnist, amounts), (first, _) = material, interrupted
    task = replace(Task.after(first, seed=1, epochs=2, batch_size=4), steps=4, checks=6)

    second = fit_reader(task, mnist, amounts, tmp_path)

    assert task.recipe.name == TIDY_READER.name
    assert second.folder.name.endswith(f"-after-{first.folder.name}")
    assert second.config().initial == first.name
    # A few small steps change the weights little.
    before, after = (run.load_model().get_weights()[0] for run in (first, second))
    assert np.abs(after - before).max() < 0.02
    assert np.abs(build().get_weights()[0] - before).max() > 0.05


def test_the_third_training_learns_from_cells(material, interrupted, tmp_path):
    (mnist, amounts), (first, _) = material, interrupted
    cells = load_cells(write_cells(tmp_path / "meza").parent)
    second = Run(tmp_path / "second")
    second.prepare(RunConfig("reader", TIDY_READER, 1, 1, 1))
    second.save_model(first.load_model())
    task = Task.after(second, seed=1, epochs=2, batch_size=4)
    task = replace(task, steps=4, checks=6, letters=mnist.train.images[:3])

    third = fit_reader(task, mnist, amounts, tmp_path, cells=cells)

    assert task.needs_cells
    assert third.config().validation_images == len(hold_out(amounts)[1]) + 2
    assert third.config().negatives
    assert "val_cells" in third.history()[-1]
    assert Task.after(third, seed=1).recipe == task.recipe.with_(epochs=12, batch_size=48)


def test_cells_are_cut_where_a_reader_sees_their_digits(tmp_path):
    """A network that says where the ink is: a 1 in each run of dark columns."""
    cells, _ = load_cells(write_cells(tmp_path / "meza").parent)
    ones = [replace(cell, digits="1" * len(cell.digits)) for cell in cells if cell.raw is None]
    cut = with_boxes(ones, seeing_ones())

    assert len(cut) >= len(ones) / 2
    for cell in cut:
        lefts = [box.x for box in cell.boxes]
        assert len(lefts) == len(cell.digits)
        assert lefts == sorted(lefts)
        assert all(box.height > 15 and box.right <= cell.grey.shape[1] for box in cell.boxes)


def seeing_ones():
    image = keras.Input((HEIGHT, None), dtype="uint8")
    dark = keras.ops.max(keras.ops.cast(image < PAPER - 80, "float32"), axis=1)
    steps = keras.layers.MaxPooling1D(STRIDE)(dark[..., None])
    scores = [np.zeros(CLASSES, np.float32) for _ in range(2)]
    scores[0][BLANK], scores[1][2] = 12.0, 12.0
    logits = (1 - steps) * scores[0] + steps * scores[1]
    return keras.Model(image, logits)


def test_a_training_cannot_start_from_another_model(tmp_path):
    folder = tmp_path / "other"
    Run(folder).prepare(RunConfig("mlp", READER, 1, 1, 1))

    with pytest.raises(RunError, match="is not a run of reader"):
        Task.after(Run(folder), seed=1)
