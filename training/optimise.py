"""Optimizer and loss of a recipe."""

import keras

from training.recipes import Recipe


def compile_model(model: keras.Model, recipe: Recipe, steps_per_epoch: int) -> None:
    """Compile `model` with the optimizer of `recipe`; targets are those of `Batches`."""
    if recipe.outlier_weight is None:
        model.compile(
            optimizer=optimizer(recipe, steps_per_epoch),
            loss="categorical_crossentropy",
            metrics=["accuracy"],
        )
    else:
        model.compile(
            optimizer=optimizer(recipe, steps_per_epoch),
            loss={"probabilities": "categorical_crossentropy", "outlier": "binary_crossentropy"},
            loss_weights={"probabilities": 1.0, "outlier": recipe.outlier_weight},
            metrics={"probabilities": ["accuracy"]},
        )


def optimizer(recipe: Recipe, steps_per_epoch: int) -> keras.optimizers.Optimizer:
    """Return AdamW with the schedule; with `average`, `fit` ends with the averaged weights."""
    return keras.optimizers.AdamW(
        _schedule(recipe, steps_per_epoch),
        weight_decay=recipe.weight_decay,
        use_ema=recipe.average is not None,
        ema_momentum=recipe.average or 0.99,
    )


def _schedule(
    recipe: Recipe, steps_per_epoch: int
) -> float | keras.optimizers.schedules.CosineDecay:
    if not recipe.decay:
        return recipe.learning_rate
    warmup = recipe.warmup_epochs * steps_per_epoch
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=recipe.learning_rate / 10 if warmup else recipe.learning_rate,
        warmup_target=recipe.learning_rate if warmup else None,
        warmup_steps=warmup,
        decay_steps=recipe.epochs * steps_per_epoch - warmup,
    )
