"""Training runs, interrupted and resumed; teachers; the study."""

from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from tests.generated import drawn_mnist

keras = pytest.importorskip("keras", reason="requires the extra 'training' (no TensorFlow here)")

from training import distil, study  # noqa: E402
from training.batches import AugmentedDigits  # noqa: E402
from training.recipes import AUGMENTED, BASELINE, BEST  # noqa: E402
from training.runs import Run, RunError  # noqa: E402
from training.study import Entry, run_study  # noqa: E402
from training.train import Task, train  # noqa: E402

STEPS = 20  # of 25 images, in 500 training images


@pytest.fixture(scope="module")
def mnist():
    return drawn_mnist()


class InterruptAt(keras.callbacks.Callback):
    def __init__(self, step):
        super().__init__()
        self.step = step

    def on_batch_end(self, batch, logs=None):
        if self.model.optimizer.iterations >= self.step:
            raise KeyboardInterrupt


class InterruptAfterHistory(keras.callbacks.Callback):
    """Runs after the history is written and before the backup."""

    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


def epochs_of(run):
    return [row["epoch"] for row in run.history()]


def weights_of(run):
    return run.load_model().get_weights()


@pytest.fixture
def task():
    return Task("mlp", BEST.with_(epochs=3, batch_size=25))


@pytest.mark.parametrize(
    "interruption", [InterruptAt(STEPS // 2), InterruptAt(STEPS + 5), InterruptAfterHistory()]
)
def test_an_interrupted_run_ends_like_an_uninterrupted_one(mnist, task, tmp_path, interruption):
    whole = train(task, mnist, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(task, mnist, tmp_path / "cut", callbacks=[interruption])

    resumed = train(task, mnist, tmp_path / "cut")

    assert epochs_of(resumed) == [1, 2, 3]
    for expected, found in zip(weights_of(whole), weights_of(resumed), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_finished_run_leaves_no_backup_and_is_not_trained_again(mnist, task, tmp_path):
    run = train(task, mnist, tmp_path)
    written = run.model_file.stat().st_mtime_ns

    train(task, mnist, tmp_path)

    assert not run.backup_folder.exists()
    assert run.model_file.stat().st_mtime_ns == written


def test_a_folder_of_another_run_is_rejected(mnist, task, tmp_path):
    run = train(task, mnist, tmp_path)
    config = run.config_file.read_text()
    run.config_file.write_text(config.replace('"weight_decay": 0.02', '"weight_decay": 0.5'))

    with pytest.raises(RunError, match="contains another run"):
        train(task, mnist, tmp_path)


def test_an_invalid_configuration_is_named(tmp_path):
    (tmp_path / "config.json").write_text('{"model": 3}')
    with pytest.raises(RunError, match=r"config\.json: is no training run"):
        Run(tmp_path).config()


def test_a_pupil_learns_from_the_mean_of_its_teachers(mnist, tmp_path, monkeypatch):
    monkeypatch.setattr(distil, "COPIES", 2)
    teachers = tuple(
        train(Task(model, BASELINE.with_(epochs=1)), mnist, tmp_path) for model in ("mlp", "lenet")
    )
    recipe = BEST.with_(epochs=3, batch_size=50)

    pupil = train(Task("lenet5", recipe, teachers=teachers), mnist, tmp_path)

    assert pupil.config().teachers == ("mlp/baseline-e1-b128-s1", "lenet/baseline-e1-b128-s1")
    (cached,) = (tmp_path / "lessons").iterdir()
    lessons = distil.Lessons.load(cached)
    assert lessons.images.shape == (2, 500, 28, 28)
    answers = np.mean([t.load_model().predict(lessons.images[1]) for t in teachers], axis=0)
    label = np.eye(10)[mnist.train.labels[:500]]
    junk = np.ptp(lessons.targets[1], axis=1) == 0
    assert 10 < junk.sum() < 90
    np.testing.assert_allclose(
        lessons.targets[1][~junk], (0.7 * answers + 0.3 * label)[~junk], atol=1e-5
    )


def test_another_teacher_gives_other_lessons(mnist, tmp_path, monkeypatch):
    monkeypatch.setattr(distil, "COPIES", 1)
    source = AugmentedDigits(mnist.hold_out()[0], BEST.augmentation)
    for seed in (1, 2):
        teacher = train(Task("mlp", BASELINE.with_(epochs=1), seed=seed), mnist, tmp_path)
        distil.prepare_lessons(tmp_path / "lessons", source, [teacher], seed=1)

    first, second = (distil.Lessons.load(path) for path in (tmp_path / "lessons").iterdir())
    assert not np.array_equal(first.targets, second.targets)


def test_a_run_can_start_from_the_weights_of_another(mnist, tmp_path):
    first = train(Task("mlp", BASELINE.with_(epochs=1)), mnist, tmp_path)
    still = replace(BASELINE, epochs=1, learning_rate=1e-9)

    second = train(Task("mlp", still, initial=first), mnist, tmp_path)

    assert second.folder.name == "baseline-e1-b128-s1-after-baseline-e1-b128-s1"
    for expected, found in zip(weights_of(first), weights_of(second), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-5)


def test_a_run_cannot_start_from_another_architecture(mnist, tmp_path):
    first = train(Task("mlp", BASELINE.with_(epochs=1)), mnist, tmp_path)

    with pytest.raises(RunError, match="is not a run of lenet"):
        train(Task("lenet", BASELINE.with_(epochs=1), initial=first), mnist, tmp_path)


def test_a_teacher_needs_an_augmentation(mnist, tmp_path):
    teacher = train(Task("mlp", BASELINE.with_(epochs=1)), mnist, tmp_path)
    with pytest.raises(RunError, match="baseline has no augmentation"):
        train(Task("lenet", BASELINE.with_(epochs=1), teachers=(teacher,)), mnist, tmp_path)


def test_the_study_finds_every_milestone_of_an_interrupted_run(mnist, tmp_path, monkeypatch):
    entries = (
        Entry("mlp", epochs=3),
        Entry("mlp", epochs=2, limit=100),
        Entry("mlp", epochs=2, limit=100, recipe=AUGMENTED),
    )
    monkeypatch.setattr(study, "MILESTONES", (1, 3))
    monkeypatch.setattr(study, "ENTRIES", entries)
    silent = Console(quiet=True)
    with monkeypatch.context() as at_first_milestone:
        at_first_milestone.setattr(keras.Model, "evaluate", _interrupt)
        with pytest.raises(KeyboardInterrupt):
            run_study(mnist, tmp_path, silent)

    findings = run_study(mnist, tmp_path, silent)

    assert [(f.recipe, f.train_images, f.epochs) for f in findings] == [
        ("baseline", 500, 1), ("baseline", 500, 3), ("baseline", 100, 2), ("augmented", 100, 2),
    ]  # fmt: skip
    run, _ = entries[0].task.run(mnist, tmp_path)
    answers = run.load_model().predict(mnist.test.images).argmax(axis=1)
    assert findings[1].test_accuracy == pytest.approx(np.mean(answers == mnist.test.labels))


def _interrupt(*_, **__):
    raise KeyboardInterrupt
