"""Recipes: everything about a training except architecture and data."""

from dataclasses import dataclass, replace
from typing import Self

from training.augment import Augmentation


@dataclass(frozen=True)
class Recipe:
    """Settings of a training; the defaults are the plain baseline."""

    name: str
    epochs: int
    batch_size: int = 128
    learning_rate: float = 1e-3
    warmup_epochs: int = 0
    decay: bool = False  # cosine decay to zero after the warm-up, instead of a constant rate
    weight_decay: float = 0.0
    average: float | None = None  # momentum of the moving average that replaces the weights
    augmentation: Augmentation | None = None
    # Weight of the loss of an output `outlier`; None: no such output.
    outlier_weight: float | None = None
    # With it, the weight of a picture without a digit in the loss of the probabilities.
    doubt: float = 0.0

    def __post_init__(self) -> None:
        if self.epochs <= self.warmup_epochs:
            raise ValueError(
                f"the recipe {self.name} warms up for {self.warmup_epochs} epochs and needs more"
                f" than {self.epochs}"
            )

    def with_(self, *, epochs: int | None = None, batch_size: int | None = None) -> Self:
        """Return this recipe with other values.

        Raises:
            ValueError: the warm-up would take all epochs.
        """
        return replace(self, epochs=epochs or self.epochs, batch_size=batch_size or self.batch_size)


# AdamW without weight decay is Adam.
BASELINE = Recipe("baseline", epochs=10)

_MODERN = Recipe(
    "modern",
    epochs=80,
    learning_rate=2e-3,
    warmup_epochs=2,
    decay=True,
    weight_decay=0.02,
    average=0.999,
)

_BEST_AUGMENTATION = Augmentation(
    rotation=10.0,
    scale=0.10,
    stretch=0.06,
    shear=0.15,
    shift=1.2,
    elastic=0.55,
    thickness_rate=0.25,
    erasure_rate=0.05,
    corruption_rate=0.15,
    junk_rate=0.06,
)

BEST = replace(
    _MODERN,
    name="best",
    augmentation=_BEST_AUGMENTATION,
)

# The ResNet that the others learn from. It sees stronger changes and no junk, because it does not
# predict junk.
TEACHER = replace(
    _MODERN,
    name="teacher",
    augmentation=Augmentation(
        rotation=12.0,
        scale=0.12,
        stretch=0.08,
        shear=0.18,
        shift=1.5,
        elastic=0.7,
        thickness_rate=0.35,
        erasure_rate=0.10,
        corruption_rate=0.25,
    ),
)

# The shipped ResNet: on labels alone, so that cross-fitting costs one training per fold, and with
# an output of its own for what is no digit.
OPEN_SET = replace(
    _MODERN,
    name="open-set",
    epochs=25,
    warmup_epochs=1,
    augmentation=replace(
        _BEST_AUGMENTATION,
        shift=1.5,
        junk_rate=0.03,
        negative_rate=0.10,
        chimera_rate=0.02,
        picture_rate=0.10,
    ),
    outlier_weight=0.5,
)

# The baseline with the augmentation of BEST: what the augmentation alone changes.
AUGMENTED = replace(BASELINE, name="augmented", augmentation=_BEST_AUGMENTATION)

# For the field reader; its task sets the number of batches per epoch.
READER = replace(
    _MODERN, name="strips", epochs=40, batch_size=48, learning_rate=1.5e-3, warmup_epochs=1
)

# After READER: mostly strips that a person can read.
TIDY_READER = replace(READER, name="tidy", epochs=24, learning_rate=1e-3)

# After TIDY_READER: also cells, fractions, signs and letters.
CELL_READER = replace(READER, name="cells", epochs=12, learning_rate=7e-4)

RECIPES = {recipe.name: recipe for recipe in (BASELINE, AUGMENTED, BEST, TEACHER, OPEN_SET)}
