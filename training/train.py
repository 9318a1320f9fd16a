"""One training run: from a task to a folder with the result."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import keras
import numpy as np

from models.mnist import Digits, Images
from training import architectures
from training.batches import AugmentedDigits, Places, Source
from training.data import Mnist, digest, joined
from training.distil import prepare_lessons
from training.fit import fit
from training.folds import Fold
from training.negatives import Pictures, hash_of
from training.recipes import Recipe
from training.runs import Run, RunConfig, RunError


@dataclass(frozen=True)
class Task:
    """A training; `limit` is the number of training images, None for all.

    Starts from the weights of `initial`, a run of the same architecture, or from random ones. The
    digits of `also` are additional training images, and never held out. Held out are the images of
    `fold`; without it, and without `everything`, the last sixth. `negatives` are characters that
    are no digits, `pictures` training digits cut out of pages.
    """

    model: str
    recipe: Recipe
    seed: int = 1
    limit: int | None = None
    teachers: tuple[Run, ...] = ()
    initial: Run | None = None
    also: Digits | None = None
    fold: Fold | None = None
    everything: bool = False
    negatives: Images | None = None
    pictures: Pictures | None = None

    def run(self, mnist: Mnist, runs_dir: Path) -> tuple[Run, RunConfig]:
        """Return the run of this task and its configuration."""
        train, validation = self.digits(mnist)
        config = RunConfig(
            model=self.model,
            recipe=self.recipe,
            seed=self.seed,
            train_images=len(train),
            validation_images=len(validation),
            limited=self.limit is not None,
            teachers=tuple(teacher.name for teacher in self.teachers),
            initial=self.initial.name if self.initial else None,
            also=digest(self.also) if self.also else None,
            fold=str(self.fold) if self.fold else None,
            everything=self.everything,
            negatives=hash_of(self.negatives) if self.negatives is not None else None,
            pictures=hash_of(self.pictures.images) if self.pictures else None,
        )
        return Run(runs_dir / self.model / config.run_name), config

    def digits(self, mnist: Mnist) -> tuple[Digits, Digits]:
        """Return the training images and the held-out validation images."""
        learnt, held_out = self._split(mnist)
        train, validation = mnist.train[learnt], mnist.train[held_out]
        return joined(train, self.also) if self.also else train, validation

    def source(self, mnist: Mnist) -> AugmentedDigits:
        """Return the training images as they are drawn.

        Raises:
            RunError: the recipe draws negatives or pictures, and there are none.
        """
        train, _ = self.digits(mnist)
        source = AugmentedDigits(train, self.recipe.augmentation)
        if source.augmentation is None:
            return source
        if source.augmentation.negative_rate:
            if self.negatives is None:
                raise RunError(f"the recipe {self.recipe.name} needs --negatives")
            source = replace(source, negatives=self.negatives)
        if source.augmentation.picture_rate:
            if self.pictures is None:
                raise RunError(f"the recipe {self.recipe.name} needs --pictures")
            learnt, _ = self._split(mnist)
            picture_of = np.full(len(mnist.train), -1)
            picture_of[self.pictures.places] = np.arange(len(self.pictures.places))
            added = np.full(len(train) - len(learnt), -1)
            source = replace(
                source,
                pictures=self.pictures.images,
                picture_of=np.concatenate([picture_of[learnt], added]),
            )
        return source

    def _split(self, mnist: Mnist) -> tuple[Places, Places]:
        if self.fold:
            if mnist.writers is None:
                raise RunError("folds need the writers of the training images")
            return self.fold.split(mnist.writers)
        everything = np.arange(len(mnist.train))
        if self.everything:
            return everything, everything[:0]
        fitted = len(mnist.hold_out()[0])
        return everything[:fitted][: self.limit], everything[fitted:]


def train(
    task: Task,
    mnist: Mnist,
    runs_dir: Path,
    *,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Run:
    """Run `task`, or continue it after an interruption; a finished run is not changed.

    Raises:
        RunError: the folder contains another run; a teacher or the initial run has not finished;
            the initial run is missing or of another architecture; or there are teachers but no
            augmentation.
    """
    run, config = task.run(mnist, runs_dir)
    run.prepare(config)
    if not run.model_file.exists():
        _, validation = task.digits(mnist)
        source = _source(task, mnist, runs_dir)
        keras.utils.set_random_seed(task.seed)
        model = _starting_model(task)
        fit(run, model, task.recipe, source, validation, seed=task.seed, callbacks=callbacks)
    return run


def _starting_model(task: Task) -> keras.Model:
    if task.initial is None:
        return architectures.build(task.model, outlier=task.recipe.outlier_weight is not None)
    if task.initial.config().model != task.model:
        raise RunError(f"{task.initial.folder}: is not a run of {task.model}")
    return task.initial.load_model()


def _source(task: Task, mnist: Mnist, runs_dir: Path) -> Source:
    source = task.source(mnist)
    if not task.teachers:
        return source
    if source.augmentation is None:
        raise RunError(f"the recipe {task.recipe.name} has no augmentation for a teacher to answer")
    return prepare_lessons(runs_dir / "lessons", source, task.teachers, seed=task.seed)
