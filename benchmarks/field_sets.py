"""Labelled strips that no training has seen: composed of MNIST's test digits, and real amounts."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from models.mnist import Digits
from models.strips import STRIDE, Grey, standardise
from training.reader import texts
from training.reader.amounts import Amount
from training.reader.ink import RealDigits
from training.reader.line import Cabinet
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
# Labels that are plainly wrong, found among the mistakes, with what is written.
MISLABELLED = {"a_car_001192.jpg": "198"}
_NO_REAL_DIGITS = RealDigits(((),) * 10)


@dataclass(frozen=True)
class FieldSet:
    """Standardised strips uint8 [40, width], the digits on each, and the names of some."""

    name: str
    strips: tuple[Grey, ...]
    written: tuple[str, ...]
    names: tuple[str, ...] = ()


def composed_sets(
    digits: Digits, amounts: Sequence[Amount], count: int, seed: int
) -> Iterator[FieldSet]:
    """`count` strips of each length, digits touching and apart, and four times as many ZIP codes.

    All are written tidily but for the last set: other ZIP codes by any hand on any paper, some of
    them past reading. `amounts` give paper, not digits. There are COMPOSED_SETS.
    """
    material = Material(Cabinet.of(digits, _NO_REAL_DIGITS), amounts, erased(amounts))
    for touching in (False, True):
        how = "touching" if touching else "apart"
        for length in range(1, LONGEST + 1):
            random = np.random.default_rng((seed, touching, length))
            samples = (_sample(tidy, material, length, touching, random) for _ in range(count))
            yield _field_set(f"{length} {'digit' if length == 1 else 'digits'}, {how}", samples)
    for place, (name, how) in enumerate(_ZIP_CODES.items()):
        random = np.random.default_rng((seed, LONGEST + 1, place))
        codes = (_sample(how, material, 5, True, random) for _ in range(4 * count))
        yield _field_set(f"ZIP codes, {name}", codes)


def drawn_set(digits: Digits, count: int, seed: int) -> FieldSet:
    """`count` strips of 2 to 8 `digits` on generated paper: nothing in them is from a data set."""
    material = Material(Cabinet.of(digits, _NO_REAL_DIGITS), (), ())
    random = np.random.default_rng((seed, LONGEST + 2))
    samples = (
        _sample(tidy, material, int(random.integers(2, 9)), bool(random.random() < 0.5), random)
        for _ in range(count)
    )
    return _field_set("drawn", samples)


def real_set(amounts: Sequence[Amount]) -> FieldSet:
    """Real amounts."""
    return FieldSet(
        "real amounts",
        tuple(standardise(amount.grey).pixels for amount in amounts),
        tuple(amount.digits for amount in amounts),
        tuple(amount.file for amount in amounts),
    )


def mended(real: FieldSet) -> FieldSet:
    """`real` amounts with the labels in `MISLABELLED` put right."""
    pairs = zip(real.names, real.written, strict=True)
    written = tuple(MISLABELLED.get(name, label) for name, label in pairs)
    return replace(real, name="real amounts, labels mended", written=written)


def _sample(
    write: Callable[..., Sample],
    material: Material,
    length: int,
    touching: bool,
    random: np.random.Generator,
) -> Sample:
    while True:
        sample = write(material, texts.digits(length, random), random, touching=touching)
        # Digits squeezed so that no alignment exists cannot be read by any reader of these steps.
        if steps_needed(sample.text) <= sample.pixels.shape[1] // STRIDE:
            return sample


def _field_set(name: str, samples: Iterator[Sample]) -> FieldSet:
    drawn = list(samples)
    return FieldSet(
        name,
        tuple(sample.pixels for sample in drawn),
        tuple(only_digits(sample.text) for sample in drawn),
    )
