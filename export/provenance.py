"""Origin of the weights of a published model."""

from dataclasses import asdict, replace

from models.records import TrainingRun
from training.folds import Fold
from training.runs import Run, RunConfig, RunError


def provenance_of(config: RunConfig, folds: int | None = None) -> TrainingRun:
    """Return the manifest entry for the run with `config`, calibrated with `folds`."""
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
        folds=folds,
        negatives=config.negatives,
        pictures=config.pictures,
    )


def folds_of(run: Run) -> list[Run]:
    """Return the runs beside `run` with its recipe that held out one fold each, in order.

    Raises:
        RunError: a fold is missing or has not finished.
    """
    config = run.config()
    found: dict[Fold, Run] = {}
    for folder in sorted(run.folder.parent.glob("*-fold*of*")):
        other = Run(folder)
        if (theirs := other.config()).fold and _without_split(theirs) == _without_split(config):
            found[Fold.parse(theirs.fold)] = other
    counts = {fold.count for fold in found}
    for count in sorted(counts, reverse=True):
        folds = [found.get(Fold(number, count)) for number in range(1, count + 1)]
        if all(fold and fold.model_file.exists() for fold in folds):
            return [fold for fold in folds if fold]
    raise RunError(
        f"{run.folder}: learnt from all images, so its folds calibrate it; train them into the same"
        f" directory, such as `python -m training fit --fold 1/{max(counts, default=4)}`"
    )


def _without_split(config: RunConfig) -> RunConfig:
    # Folds of one seed calibrate networks of all seeds.
    return replace(config, seed=0, train_images=0, validation_images=0, fold=None, everything=False)


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
