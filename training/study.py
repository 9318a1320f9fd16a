"""The comparison study: one plain recipe for every model, measured at 10, 50 and 100 epochs.

One run of 100 epochs gives all three, because the baseline recipe does not depend on the total. The
MLP is also trained on fewer images, without and with augmentation.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
from rich.console import Console

from models.mnist import Digits
from training.batches import one_hot
from training.data import Mnist
from training.recipes import AUGMENTED, BASELINE, Recipe
from training.runs import Run, RunError
from training.train import Task, train

MILESTONES = (10, 50, 100)


@dataclass(frozen=True)
class Entry:
    """One run of the study; `limit` is the number of training images, None for all."""

    model: str
    epochs: int = MILESTONES[-1]
    limit: int | None = None
    recipe: Recipe = BASELINE

    @property
    def task(self) -> Task:
        """The training task of this entry."""
        recipe = self.recipe.with_(epochs=self.epochs)
        return Task(self.model, recipe, limit=self.limit)


ENTRIES = (
    Entry("mlp"),
    Entry("cnn"),
    Entry("lenet"),
    Entry("lenet5"),
    Entry("resnet"),
    Entry("mlp", epochs=60, limit=12_000),
    Entry("mlp", epochs=60, limit=12_000, recipe=AUGMENTED),
)


@dataclass(frozen=True)
class Finding:
    """Result of a run after `epochs` epochs."""

    model: str
    recipe: str
    train_images: int
    epochs: int
    loss: float
    accuracy: float
    validation_loss: float
    validation_accuracy: float
    test_loss: float
    test_accuracy: float
    seconds_per_epoch: float


class _Milestones(keras.callbacks.Callback):
    """Writes loss and accuracy on the test images at some epochs; they choose nothing."""

    def __init__(self, file: Path, test: Digits, epochs: tuple[int, ...]) -> None:
        super().__init__()
        self._file = file
        self._test = test
        self._epochs = epochs

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if epoch + 1 not in self._epochs:
            return
        targets = one_hot(self._test.labels)
        # A dict, because the order of the list depends on how the model was compiled.
        figures = self.model.evaluate(
            self._test.images, targets, batch_size=256, verbose=0, return_dict=True
        )
        with self._file.open("a", newline="") as lines:
            csv.writer(lines).writerow([epoch + 1, figures["loss"], figures["accuracy"]])


def run_study(mnist: Mnist, runs_dir: Path, console: Console) -> list[Finding]:
    """Run the unfinished parts of the study, and return its findings."""
    for number, entry in enumerate(ENTRIES, start=1):
        console.rule(f"{number} of {len(ENTRIES)}: {entry.model}, {entry.epochs} epochs")
        run, _ = entry.task.run(mnist, runs_dir)
        milestones = _Milestones(run.milestones_file, mnist.test, _epochs_of(entry))
        train(entry.task, mnist, runs_dir, callbacks=[milestones])
    return gather(mnist, runs_dir)


def gather(mnist: Mnist, runs_dir: Path) -> list[Finding]:
    """Return the findings of the finished runs."""
    runs = ((entry, entry.task.run(mnist, runs_dir)[0]) for entry in ENTRIES)
    return [
        finding
        for entry, run in runs
        if run.model_file.exists()
        for finding in _findings(entry, run)
    ]


def full_runs(mnist: Mnist, runs_dir: Path) -> dict[str, Run]:
    """Return the finished runs on all training images, by model."""
    runs = {
        entry.model: entry.task.run(mnist, runs_dir)[0] for entry in ENTRIES if entry.limit is None
    }
    return {model: run for model, run in runs.items() if run.model_file.exists()}


def _epochs_of(entry: Entry) -> tuple[int, ...]:
    return (entry.epochs,) if entry.limit else MILESTONES


def _findings(entry: Entry, run: Run) -> Iterator[Finding]:
    history = run.history()
    seconds = sorted(row["seconds"] for row in history)
    milestones = {}
    if run.milestones_file.exists():
        with run.milestones_file.open(newline="") as lines:
            # An interrupted run can write a milestone twice; the last one counts.
            milestones = {int(epoch): (loss, right) for epoch, loss, right in csv.reader(lines)}
    if not milestones.keys() >= set(_epochs_of(entry)):
        raise RunError(f"{run.folder}: was not trained by the study; move it elsewhere")
    for epoch in _epochs_of(entry):
        row, (test_loss, test_accuracy) = history[epoch - 1], milestones[epoch]
        yield Finding(
            model=entry.model,
            recipe=entry.recipe.name,
            train_images=run.config().train_images,
            epochs=epoch,
            loss=row["loss"],
            accuracy=row["accuracy"],
            validation_loss=row["val_loss"],
            validation_accuracy=row["val_accuracy"],
            test_loss=float(test_loss),
            test_accuracy=float(test_accuracy),
            seconds_per_epoch=seconds[len(seconds) // 2],
        )
