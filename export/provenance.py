"""Origin of the weights of a published model."""

from dataclasses import asdict

from models.records import TrainingRun
from training.runs import Run, RunConfig, RunError


def provenance_of(config: RunConfig) -> TrainingRun:
    """Return the manifest entry for the run with `config`."""
    return TrainingRun(
        recipe=config.recipe.name,
        settings=asdict(config.recipe),
        seed=config.seed,
        epochs=config.recipe.epochs,
        batch_size=config.recipe.batch_size,
        train_images=config.train_images,
        validation_images=config.validation_images,
        teachers=config.teachers,
        initial=config.initial,
        also=config.also,
    )


def check_held_out(run: Run, count: int, what: str) -> None:
    """Check that `run` held out `count` images, as the data does now.

    Raises:
        RunError: it was trained on other data.
    """
    held_out = run.config().validation_images
    if held_out != count:
        raise RunError(
            f"{run.folder}: held out {held_out:,} {what}, the data has {count:,}; export with the"
            " data it was trained on"
        )
