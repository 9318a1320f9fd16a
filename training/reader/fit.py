"""The training loop of the field reader."""

import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras
import tensorflow as tf

from models.mnist import Images
from models.strips import HEIGHT
from training.callbacks import EpochTimer, History, backup
from training.data import Mnist
from training.negatives import hash_of
from training.optimise import optimizer
from training.reader.amounts import Amount, hold_out
from training.reader.architecture import NAME, build
from training.reader.batches import POOL, batches
from training.reader.boxes import with_boxes
from training.reader.cells import NO_CELLS, Cells
from training.reader.line import NO_LETTERS
from training.reader.loss import ctc
from training.reader.samples import Material, Mixture
from training.reader.validate import Validation, validation_sets
from training.recipes import CELL_READER, READER, TIDY_READER, Recipe
from training.runs import Run, RunConfig, RunError

_MIXTURES = {
    READER.name: Mixture(),
    TIDY_READER.name: Mixture(real=0.20, spliced=0.12, empty=0.03, tidy=0.8),
    CELL_READER.name: Mixture(
        real=0.18,
        spliced=0.08,
        empty=0.03,
        cells=0.15,
        spliced_cells=0.04,
        tidy=0.6,
        in_cells=0.2,
        signed=0.22,
    ),
}
_FOLLOWING = {
    READER.name: TIDY_READER,
    TIDY_READER.name: CELL_READER,
    CELL_READER.name: CELL_READER,
}
LETTERS = 20_000  # as many as are kept of the characters that are no digits


@dataclass(frozen=True)
class Task:
    """A training; an epoch has `steps` batches, and ends by reading `checks` strips of each kind.

    Starts from the weights of `initial`, a run of a reader, or from random ones.
    """

    recipe: Recipe = READER
    seed: int = 1
    steps: int = 240
    checks: int = 400  # composed strips, and as many ZIP codes
    initial: Run | None = None
    letters: Images | None = None

    @classmethod
    def after(cls, initial: Run | None, *, seed: int, **changes: int | None) -> "Task":
        """Return the first training, or the one that follows `initial`.

        Raises:
            RunError: `initial` cannot be read, or is of another model.
            ValueError: see `Recipe.with_`.
        """
        recipe = READER
        if initial is not None:
            config = initial.config()
            if config.model != NAME:
                raise RunError(f"{initial.folder}: is not a run of {NAME}")
            recipe = _FOLLOWING[config.recipe.name]
        return cls(recipe.with_(**changes), seed, initial=initial)

    @property
    def needs_cells(self) -> bool:
        """Whether it is trained on cells too."""
        return _MIXTURES[self.recipe.name].cells > 0

    def run(
        self, mnist: Mnist, amounts: list[Amount], cells: Cells, runs_dir: Path
    ) -> tuple[Run, RunConfig]:
        """Return the run of this task and its configuration."""
        train_amounts, held_out = hold_out(amounts)
        config = RunConfig(
            NAME,
            self.recipe,
            self.seed,
            len(mnist.well_labelled()[0]) + len(train_amounts) + len(cells.train),
            len(held_out) + len(cells.held_out),
            initial=self.initial.name if self.initial else None,
            negatives=hash_of(self.letters) if self.letters is not None else None,
        )
        return Run(runs_dir / NAME / config.run_name), config


def fit_reader(
    task: Task,
    mnist: Mnist,
    amounts: list[Amount],
    runs_dir: Path,
    *,
    cells: Cells = NO_CELLS,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Run:
    """Train the reader, or continue after an interruption; a finished run is not changed.

    Raises:
        RunError: the folder contains another run, or the initial run has not finished.
    """
    recipe, seed, steps = task.recipe, task.seed, task.steps
    digits, validation_digits = mnist.well_labelled()
    train_amounts, held_out = hold_out(amounts)
    run, config = task.run(mnist, amounts, cells, runs_dir)
    run.prepare(config)
    if run.model_file.exists():
        return run
    finished = run.finished_epochs()
    run.cut_history(finished)
    keras.utils.set_random_seed(seed)
    model = _starting_model(task)
    model.compile(optimizer=optimizer(recipe, steps), loss=ctc)
    # The initial network cuts the cells, because nobody has drawn boxes on them.
    cut_cells = with_boxes(cells.train, task.initial.load_model()) if task.initial else []
    letters = NO_LETTERS if task.letters is None else task.letters[:: _step(task.letters)]
    material = Material.of(digits, train_amounts, cells.train, cut_cells, letters)
    first = finished * steps // POOL
    model.fit(
        _dataset(material, _MIXTURES[recipe.name], size=recipe.batch_size, seed=seed, first=first),
        epochs=recipe.epochs,
        steps_per_epoch=steps,
        callbacks=[
            EpochTimer(),
            Validation(validation_sets(validation_digits, held_out, cells.held_out, task.checks)),
            History(run.history_file, append=finished > 0),
            *callbacks,
            backup(run),
        ],
        shuffle=False,
        verbose=1 if sys.stdout.isatty() else 2,
    )
    # Without the loss, which only training needs.
    run.save_model(keras.Model(model.input, model.output, name=NAME))
    shutil.rmtree(run.backup_folder)
    return run


def _step(letters: Images) -> int:
    return max(1, len(letters) // LETTERS)


def _starting_model(task: Task) -> keras.Model:
    return task.initial.load_model() if task.initial else build()


def _dataset(
    material: Material, mixture: Mixture, *, size: int, seed: int, first: int
) -> tf.data.Dataset:
    signature = (
        tf.TensorSpec((size, HEIGHT, None), tf.uint8),
        tf.TensorSpec((size, None), tf.int32),
    )
    return tf.data.Dataset.from_generator(
        lambda: batches(material, mixture, size, seed=seed, first=first),
        output_signature=signature,
    ).prefetch(2 * POOL)
