"""The training loop of one model."""

import shutil
import sys
from collections.abc import Sequence

import keras

from models.mnist import Digits
from training import architectures, plots
from training.batches import Batches, Source, by_output, one_hot
from training.callbacks import EpochTimer, History, backup
from training.optimise import compile_model
from training.recipes import Recipe
from training.runs import Run

AUGMENTING_THREADS = 2


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
    has_outliers = recipe.outlier_weight is not None
    targets = one_hot(validation.labels)
    batches = Batches(
        source,
        recipe.batch_size,
        seed=seed,
        first_epoch=finished,
        doubt=recipe.doubt if has_outliers else None,
        workers=AUGMENTING_THREADS,
        max_queue_size=32,
    )
    compile_model(model, recipe, steps_per_epoch=len(batches))
    model.fit(
        batches,
        epochs=recipe.epochs,
        validation_data=(validation.images, by_output(targets)[0] if has_outliers else targets)
        if len(validation)
        else None,
        shuffle=False,  # the batches shuffle, identically after an interruption
        callbacks=[
            EpochTimer(),
            History(run.history_file, append=finished > 0),
            *callbacks,
            backup(run),
        ],
        verbose=1 if sys.stdout.isatty() else 2,  # a progress bar, or one line per epoch
    )
    title = architectures.architecture(model.name).TITLE
    plots.history(run.history(), title).savefig(run.history_plot)
    run.save_model(model)
    shutil.rmtree(run.backup_folder)
