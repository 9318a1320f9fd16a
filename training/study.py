"""The comparison study: one plain recipe for every model, its figures at 10, 50 and 100 epochs.

One run of 100 epochs shows all three: nothing in the baseline recipe depends on the total.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
from rich.console import Console

from training.batches import AugmentedDigits, one_hot
from training.data import Digits, Mnist
from training.fit import fit
from training.recipes import BASELINE
from training.runs import Run, RunConfig

MILESTONES = (10, 50, 100)


@dataclass(frozen=True)
class Entry:
    """One run of the study; `limit` trains on the first so many images only."""

    model: str
    epochs: int = MILESTONES[-1]
    limit: int | None = None


ENTRIES = (
    Entry("mlp"),
    Entry("cnn"),
    Entry("lenet"),
    Entry("lenet5"),
    Entry("resnet"),
    Entry("mlp", epochs=60, limit=12_000),
)


@dataclass(frozen=True)
class Finding:
    """What a run of the study had come to after `epoch` epochs."""

    entry: Entry
    epoch: int
    loss: float
    accuracy: float
    val_loss: float
    val_accuracy: float
    test_loss: float
    test_accuracy: float
    seconds_per_epoch: float


class _Milestones(keras.callbacks.Callback):
    """Writes loss and accuracy on the test images at some epochs; nothing is chosen by them."""

    def __init__(self, file: Path, test: Digits, epochs: tuple[int, ...]) -> None:
        super().__init__()
        self._file = file
        self._test = test
        self._epochs = epochs

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if epoch + 1 not in self._epochs:
            return
        targets = one_hot(self._test.labels)
        # With return_dict=False the order of the figures would be the compiler's.
        figures = self.model.evaluate(
            self._test.images, targets, batch_size=256, verbose=0, return_dict=True
        )
        with self._file.open("a", newline="") as lines:
            csv.writer(lines).writerow([epoch + 1, figures["loss"], figures["accuracy"]])


def run_study(mnist: Mnist, runs_dir: Path, *, seed: int, console: Console) -> list[Finding]:
    """Run what of the study has not finished yet, and gather its findings."""
    findings: list[Finding] = []
    for number, entry in enumerate(ENTRIES, start=1):
        console.rule(f"{number} of {len(ENTRIES)}: {entry.model}, {entry.epochs} epochs")
        run = _train(entry, mnist, runs_dir, seed=seed)
        findings.extend(_findings(entry, run))
    return findings


def _train(entry: Entry, mnist: Mnist, runs_dir: Path, *, seed: int) -> Run:
    train, validation = mnist.hold_out()
    train = train[: entry.limit]
    recipe = BASELINE.with_(epochs=entry.epochs, batch_size=None)
    config = RunConfig(
        model=entry.model,
        recipe=recipe.name,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        seed=seed,
        train_images=len(train),
        validation_images=len(validation),
    )
    run = Run(runs_dir / entry.model / config.run_name)
    run.prepare(config)
    if not run.model_file.exists():
        milestones = _Milestones(run.milestones_file, mnist.test, _epochs_of(entry))
        source = AugmentedDigits(train, recipe.augmentation)
        fit(run, entry.model, recipe, source, validation, seed=seed, callbacks=[milestones])
    return run


def _epochs_of(entry: Entry) -> tuple[int, ...]:
    return (entry.epochs,) if entry.limit else MILESTONES


def _findings(entry: Entry, run: Run) -> Iterator[Finding]:
    history = run.history()
    seconds = sorted(row["seconds"] for row in history)
    with run.milestones_file.open(newline="") as lines:
        # A run interrupted between the two files writes a milestone twice; the last one counts.
        milestones = {int(epoch): (loss, accuracy) for epoch, loss, accuracy in csv.reader(lines)}
    for epoch in _epochs_of(entry):
        row, (test_loss, test_accuracy) = history[epoch - 1], milestones[epoch]
        yield Finding(
            entry=entry,
            epoch=epoch,
            loss=row["loss"],
            accuracy=row["accuracy"],
            val_loss=row["val_loss"],
            val_accuracy=row["val_accuracy"],
            test_loss=float(test_loss),
            test_accuracy=float(test_accuracy),
            seconds_per_epoch=seconds[len(seconds) // 2],
        )
