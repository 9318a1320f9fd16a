"""The recipes: everything about a training that is not the architecture or the data."""

from dataclasses import dataclass, replace
from typing import Self

import keras

from training.augment import Augmentation


@dataclass(frozen=True)
class Recipe:
    """How a model is trained; the defaults are the plain baseline."""

    name: str
    epochs: int
    batch_size: int = 128
    learning_rate: float = 1e-3
    warmup_epochs: int = 0
    decay: bool = False  # cosine decay to nothing after the warm-up, instead of a constant rate
    weight_decay: float = 0.0
    label_smoothing: float = 0.0
    average: float | None = None  # momentum of the moving average that replaces the weights
    augmentation: Augmentation | None = None

    def with_(self, *, epochs: int | None = None, batch_size: int | None = None) -> Self:
        """This recipe with what is given in place of its own."""
        return replace(self, epochs=epochs or self.epochs, batch_size=batch_size or self.batch_size)

    def compile(self, model: keras.Model, steps_per_epoch: int) -> None:
        """Give `model` the optimizer and the loss; targets are float32 [batch, 10]."""
        model.compile(
            optimizer=keras.optimizers.AdamW(
                self._schedule(steps_per_epoch),
                weight_decay=self.weight_decay,
                use_ema=self.average is not None,
                ema_momentum=self.average or 0.99,
            ),
            loss=keras.losses.CategoricalCrossentropy(label_smoothing=self.label_smoothing),
            metrics=["accuracy"],
        )

    def _schedule(self, steps_per_epoch: int) -> float | keras.optimizers.schedules.CosineDecay:
        if not self.decay:
            return self.learning_rate
        warmup = self.warmup_epochs * steps_per_epoch
        return keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=self.learning_rate / 10 if warmup else self.learning_rate,
            warmup_target=self.learning_rate if warmup else None,
            warmup_steps=warmup,
            decay_steps=self.epochs * steps_per_epoch - warmup,
        )


# AdamW without weight decay is Adam.
BASELINE = Recipe("baseline", epochs=10)

BEST = Recipe(
    "best",
    epochs=80,
    learning_rate=2e-3,
    warmup_epochs=2,
    decay=True,
    weight_decay=0.02,
    average=0.999,
    augmentation=Augmentation(),
)

RECIPES = {recipe.name: recipe for recipe in (BASELINE, BEST)}
