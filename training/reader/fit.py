"""Train the field reader: material, network, recipe, loop, result."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf

from models.strips import HEIGHT
from training.data import Mnist
from training.fit import EpochTimer
from training.reader.amounts import Amount, hold_out
from training.reader.architecture import NAME, build
from training.reader.batches import POOL, batches
from training.reader.loss import ctc
from training.reader.samples import Material, Mixture
from training.reader.validate import Validation, validation_sets
from training.recipes import READER, Recipe
from training.runs import Run, RunConfig


@dataclass(frozen=True)
class Task:
    """How to train; an epoch is so many `steps`, and ends with the reading of so many `checks`."""

    recipe: Recipe = READER
    seed: int = 1
    steps: int = 240
    checks: int = 400  # composed strips, and ZIP codes besides


def fit_reader(
    task: Task,
    mnist: Mnist,
    amounts: list[Amount],
    runs_dir: Path,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Run:
    """Train the reader, or finish it where it was interrupted; a finished run stays as it is.

    Raises:
        RunError: its folder holds another run.
    """
    recipe, seed, steps = task.recipe, task.seed, task.steps
    digits, validation_digits = mnist.hold_out()
    learnt, validated = hold_out(amounts)
    config = RunConfig(NAME, recipe, seed, len(digits) + len(learnt), len(validated))
    run = Run(runs_dir / NAME / config.run_name)
    run.prepare(config)
    if run.model_file.exists():
        return run
    finished = run.finished_epochs()
    run.cut_history(finished)
    keras.utils.set_random_seed(seed)
    model = build()
    model.compile(optimizer=recipe.optimizer(steps), loss=ctc)
    material = Material.of(digits, learnt)
    model.fit(
        _dataset(material, recipe.batch_size, seed=seed, first=finished * steps // POOL),
        epochs=recipe.epochs,
        steps_per_epoch=steps,
        callbacks=[
            EpochTimer(),
            Validation(validation_sets(validation_digits, validated, task.checks)),
            keras.callbacks.CSVLogger(run.history_file, append=finished > 0),
            *callbacks,
            # Last, so that an epoch counts as finished only when everything about it is written.
            keras.callbacks.BackupAndRestore(
                run.backup_folder, double_checkpoint=True, delete_checkpoint=False
            ),
        ],
        shuffle=False,
        verbose=1 if sys.stdout.isatty() else 2,
    )
    # Without the loss, which nobody who loads it needs.
    run.save_model(keras.Model(model.input, model.output, name=NAME))
    shutil.rmtree(run.backup_folder)
    return run


def _dataset(material: Material, size: int, *, seed: int, first: int) -> tf.data.Dataset:
    signature = (
        tf.TensorSpec((size, HEIGHT, None), tf.uint8),
        tf.TensorSpec((size, None), tf.int32),
    )
    return tf.data.Dataset.from_generator(
        lambda: batches(material, Mixture(), size, seed=seed, first=first),
        output_signature=signature,
    ).prefetch(2 * POOL)
