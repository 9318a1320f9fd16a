"""The training loop of one model."""

import shutil
import sys
import time
from collections.abc import Sequence

import keras

from models.mnist import Digits
from training import architectures, plots
from training.batches import Batches, Source, one_hot
from training.recipes import Recipe
from training.runs import Run

AUGMENTING_THREADS = 2


class EpochTimer(keras.callbacks.Callback):
    """Adds the seconds of each epoch to its logs; must precede callbacks that write them."""

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Start the timer; called by Keras."""
        self._begin = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Log the elapsed seconds; called by Keras."""
        if logs is not None:
            logs["seconds"] = time.perf_counter() - self._begin


def fit(
    run: Run,
    model: keras.Model,
    recipe: Recipe,
    source: Source,
    validation: Digits,
    *,
    seed: int,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> None:
    """Train `model`, and write history, plots and model into `run`.

    An interrupted run continues after its last complete epoch.
    """
    finished = run.finished_epochs()
    run.cut_history(finished)
    batches = Batches(
        source,
        recipe.batch_size,
        seed=seed,
        first_epoch=finished,
        workers=AUGMENTING_THREADS,
        max_queue_size=32,
    )
    recipe.compile(model, steps_per_epoch=len(batches))
    initial = model.get_weights()
    model.fit(
        batches,
        epochs=recipe.epochs,
        validation_data=(validation.images, one_hot(validation.labels)),
        shuffle=False,  # the batches shuffle, identically after an interruption
        callbacks=[
            EpochTimer(),
            keras.callbacks.CSVLogger(run.history_file, append=finished > 0),
            *callbacks,
            # Last, so that an epoch counts as finished only after everything about it is written.
            keras.callbacks.BackupAndRestore(
                run.backup_folder, double_checkpoint=True, delete_checkpoint=False
            ),
        ],
        verbose=1 if sys.stdout.isatty() else 2,  # a progress bar, or one line per epoch
    )
    title = architectures.architecture(model.name).TITLE
    plots.history(run.history(), title).savefig(run.history_plot)
    share = recipe.initial_share
    model.set_weights(
        [
            share * first + (1 - share) * last
            for first, last in zip(initial, model.get_weights(), strict=True)
        ]
    )
    run.save_model(model)
    shutil.rmtree(run.backup_folder)
