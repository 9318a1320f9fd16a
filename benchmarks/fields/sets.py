"""Labelled strips for the benchmark: composed of MNIST's digits, and real amounts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from models.mnist import Digits
from models.strips import STRIDE, Grey, standardise
from training.reader import texts
from training.reader.amounts import Amount
from training.reader.ink import RealDigits
from training.reader.line import Glyphs
from training.reader.paper import erased
from training.reader.samples import Material, Sample, composed, tidy
from training.reader.texts import only_digits, steps_needed

LONGEST = 12
_ZIP_CODES = {
    "touching": tidy,
    "touching, noisy": partial(tidy, noise=(0.5, 1.0)),
    "hard": composed,
}
COMPOSED_SETS = 2 * LONGEST + len(_ZIP_CODES)
# Wrong labels found among the mistakes, with what is written.
MISLABELLED = {"a_car_001192.jpg": "198"}
_NO_REAL_DIGITS = RealDigits(((),) * 10)


@dataclass(frozen=True)
class FieldSet:
    """Standardised strips uint8 [40, width], their digits, and the names of some."""

    name: str
    strips: tuple[Grey, ...]
    written: tuple[str, ...]
    names: tuple[str, ...] = ()


def composed_sets(
    digits: Digits, amounts: Sequence[Amount], count: int, seed: int
) -> Iterator[FieldSet]:
    """Compose COMPOSED_SETS sets of `digits` on the paper of `amounts`.

    There are `count` strips of each length, with digits touching and apart, and four times as many
    ZIP codes. All are tidy but the last set: ZIP codes in any hand on any paper, some unreadable.
    """
    material = Material(Glyphs.of(digits, _NO_REAL_DIGITS), amounts, erased(amounts))
    for touching in (False, True):
        how = "touching" if touching else "apart"
        for length in range(1, LONGEST + 1):
            random = np.random.default_rng((seed, touching, length))
            samples = (_sample(tidy, material, length, touching, random) for _ in range(count))
            yield _field_set(f"{length} {'digit' if length == 1 else 'digits'}, {how}", samples)
    for index, (name, compose) in enumerate(_ZIP_CODES.items()):
        random = np.random.default_rng((seed, LONGEST + 1, index))
        codes = (_sample(compose, material, 5, True, random) for _ in range(4 * count))
        yield _field_set(f"ZIP codes, {name}", codes)


def real_set(amounts: Sequence[Amount]) -> FieldSet:
    """Standardise real amounts."""
    return FieldSet(
        "real amounts",
        tuple(standardise(amount.grey).pixels for amount in amounts),
        tuple(amount.digits for amount in amounts),
        tuple(amount.file for amount in amounts),
    )


def corrected(real: FieldSet) -> FieldSet:
    """Correct the labels of `real` amounts that are in `MISLABELLED`."""
    pairs = zip(real.names, real.written, strict=True)
    written = tuple(MISLABELLED.get(name, label) for name, label in pairs)
    return replace(real, name="real amounts, labels corrected", written=written)


def _sample(
    compose: Callable[..., Sample],
    material: Material,
    length: int,
    touching: bool,
    random: np.random.Generator,
) -> Sample:
    while True:
        sample = compose(material, texts.digits(length, random), random, touching=touching)
        # Digits squeezed until no alignment exists cannot be read by any reader of these steps.
        if steps_needed(sample.text) <= sample.pixels.shape[1] // STRIDE:
            return sample


def _field_set(name: str, samples: Iterator[Sample]) -> FieldSet:
    drawn = list(samples)
    return FieldSet(
        name,
        tuple(sample.pixels for sample in drawn),
        tuple(only_digits(sample.text) for sample in drawn),
    )
