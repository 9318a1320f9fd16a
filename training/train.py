"""One training run: from a task to a folder with the result."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import keras

from models.mnist import Digits
from training import architectures
from training.batches import AugmentedDigits, Source
from training.data import Mnist, digest, joined
from training.distil import prepare_lessons
from training.fit import fit
from training.recipes import Recipe
from training.runs import Run, RunConfig, RunError


@dataclass(frozen=True)
class Task:
    """A training; `limit` is the number of training images, None for all.

    Starts from the weights of `initial`, a run of the same architecture, or from random ones. The
    digits of `also` are additional training images, and never held out.
    """

    model: str
    recipe: Recipe
    seed: int = 1
    limit: int | None = None
    teachers: tuple[Run, ...] = ()
    initial: Run | None = None
    also: Digits | None = None

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
        )
        return Run(runs_dir / self.model / config.run_name), config

    def digits(self, mnist: Mnist) -> tuple[Digits, Digits]:
        """Return the training images and the held-out validation images."""
        train, validation = mnist.hold_out()
        train = train[: self.limit]
        return joined(train, self.also) if self.also else train, validation


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
        digits, validation = task.digits(mnist)
        source = _source(task, digits, runs_dir)
        keras.utils.set_random_seed(task.seed)
        model = _starting_model(task)
        fit(run, model, task.recipe, source, validation, seed=task.seed, callbacks=callbacks)
    return run


def _starting_model(task: Task) -> keras.Model:
    if task.initial is None and task.recipe.initial_share:
        raise RunError(f"the recipe {task.recipe.name} needs a run to start from: --initial RUN")
    if task.initial is None:
        return architectures.build(task.model)
    if task.initial.config().model != task.model:
        raise RunError(f"{task.initial.folder}: is not a run of {task.model}")
    return task.initial.load_model()


def _source(task: Task, digits: Digits, runs_dir: Path) -> Source:
    source = AugmentedDigits(digits, task.recipe.augmentation)
    if not task.teachers:
        return source
    if source.augmentation is None:
        raise RunError(f"the recipe {task.recipe.name} has no augmentation for a teacher to answer")
    return prepare_lessons(runs_dir / "lessons", source, task.teachers, seed=task.seed)
