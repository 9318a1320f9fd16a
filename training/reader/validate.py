"""Accuracy on held-out strips during training."""

from collections.abc import Callable, Mapping, Sequence

import keras
import numpy as np
from numpy.typing import NDArray

from models.mnist import Digits
from models.strips import BLANK, SYMBOLS, pad, standardise
from training.reader import texts
from training.reader.amounts import Amount
from training.reader.ink import Random
from training.reader.samples import Material, Sample, tidy
from training.reader.texts import only_digits

_SEED = 7
_BATCH = 50


def greedy(logits: NDArray[np.float32]) -> str:
    """Return the text of the most probable class at each step of logits [steps, classes]."""
    best = logits.argmax(axis=-1)
    changed = best[np.flatnonzero(np.diff(best, prepend=-1))]
    return "".join(SYMBOLS[place - 1] for place in changed if place != BLANK)


def read(model: keras.Model, samples: Sequence[Sample]) -> list[str]:
    """Read `samples` with `model`, including separators."""
    order = sorted(range(len(samples)), key=lambda place: samples[place].pixels.shape[1])
    said = [""] * len(samples)
    for start in range(0, len(order), _BATCH):
        places = order[start : start + _BATCH]
        logits = model.predict_on_batch(pad([samples[place].pixels for place in places]))
        for place, steps in zip(places, logits, strict=True):
            said[place] = greedy(steps)
    return said


def accuracy(model: keras.Model, samples: Sequence[Sample]) -> float:
    """Return the share of `samples` whose digits are read without a mistake."""
    said = map(only_digits, read(model, samples))
    right = [text == only_digits(s.text) for text, s in zip(said, samples, strict=True)]
    return float(np.mean(right))


def validation_sets(
    digits: Digits,
    amounts: Sequence[Amount],
    cells: Sequence[Amount],
    composed_strips: int,
    *,
    seed: int = _SEED,
) -> dict[str, list[Sample]]:
    """Return held-out real amounts and cells, and composed strips drawn with `seed`.

    These are any texts, ZIP codes whose digits touch, and texts with fractions and signs; all tidy,
    because nobody could read every strip in any hand on any paper.
    """
    material = Material.of(digits, amounts)
    random = np.random.default_rng(seed)
    return {
        "amounts": _real(amounts),
        "cells": _real(cells),
        **{
            name: [draw(material, random) for _ in range(composed_strips)]
            for name, draw in _COMPOSED.items()
        },
    }


def _real(strips: Sequence[Amount]) -> list[Sample]:
    return [Sample(standardise(s.grey).pixels, s.digits, False) for s in strips]


_COMPOSED: dict[str, Callable[[Material, Random], Sample]] = {
    "composed": lambda material, random: tidy(material, texts.text(random), random),
    "zip_codes": lambda material, random: tidy(
        material, texts.digits(5, random), random, touching=True
    ),
    "signed": lambda material, random: tidy(material, texts.signed_text(random), random),
}


class Validation(keras.callbacks.Callback):
    """Adds the accuracy on each set to the logs; must precede callbacks that write them."""

    def __init__(self, sets: Mapping[str, Sequence[Sample]]) -> None:
        super().__init__()
        self._sets = sets

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Measure the accuracy; called by Keras."""
        if logs is not None:
            for name, samples in self._sets.items():
                if samples:
                    logs[f"val_{name}"] = accuracy(self.model, samples)
