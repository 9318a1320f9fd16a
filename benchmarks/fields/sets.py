"""Labelled strips for the benchmark: composed of MNIST's digits, and real amounts and cells."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks.fields.readers import Content
from models.mnist import Digits
from models.strips import STRIDE, Strip
from service.imaging import SeenStrip
from training.reader import texts
from training.reader.amounts import Amount
from training.reader.ink import Random, RealDigits
from training.reader.line import Glyphs
from training.reader.paper import erased
from training.reader.samples import Material, Sample, composed, tidy
from training.reader.texts import steps_needed

LONGEST = 12
SIGNED = "fractions, signs and letters"
_ZIP_CODES = {
    "touching": tidy,
    "touching, noisy": partial(tidy, noise=(0.5, 1.0)),
    "hard": composed,
}
COMPOSED_SETS = 2 * LONGEST + len(_ZIP_CODES)
_NO_REAL_DIGITS = RealDigits(((),) * 10)


@dataclass(frozen=True)
class FieldSet:
    """Strips, what is written on them, and the names of real ones."""

    name: str
    strips: tuple[Content, ...]
    written: tuple[str, ...]
    names: tuple[str, ...] = ()

    @property
    def is_read_beside(self) -> bool:
        """Whether another program reads it too: a real set, or tidy ZIP codes."""
        return bool(self.names) or (self.name.startswith("ZIP") and not self.name.endswith("hard"))


def material(digits: Digits, amounts: Sequence[Amount]) -> Material:
    """Return `digits` and the paper of `amounts`, to compose from."""
    return Material(Glyphs.of(digits, _NO_REAL_DIGITS), amounts, erased(amounts))


def composed_sets(source: Material, count: int, seed: int) -> Iterator[FieldSet]:
    """Compose COMPOSED_SETS sets.

    There are `count` strips of each length, with digits touching and apart, and four times as many
    ZIP codes. All are tidy but the last set: ZIP codes in any hand on any paper, some unreadable.
    """
    for touching in (False, True):
        how = "touching" if touching else "apart"
        compose = partial(tidy, touching=touching)
        for length in range(1, LONGEST + 1):
            random = np.random.default_rng((seed, touching, length))
            draw = partial(texts.digits, length)
            name = f"{length} {'digit' if length == 1 else 'digits'}, {how}"
            yield _field_set(name, compose, source, draw, count, random)
    for index, (name, zip_code) in enumerate(_ZIP_CODES.items()):
        random = np.random.default_rng((seed, LONGEST + 1, index))
        compose = partial(zip_code, touching=True)
        draw = partial(texts.digits, 5)
        yield _field_set(f"ZIP codes, {name}", compose, source, draw, 4 * count, random)


def signed_set(source: Material, count: int, seed: int) -> FieldSet:
    """Compose `count` tidy strips with slashes, raised cents, signs or letters.

    What is written has the symbols of the reader, and spaces.
    """
    random = np.random.default_rng((seed, LONGEST + 2))
    return _field_set(SIGNED, tidy, source, texts.signed_text, count, random)


def real_set(name: str, strips: Sequence[Amount]) -> FieldSet:
    """Take real amounts or cells as they are."""
    pictures = tuple(strip.grey for strip in strips)
    written = tuple(strip.digits for strip in strips)
    return FieldSet(name, pictures, written, tuple(strip.file for strip in strips))


def _field_set(
    name: str,
    compose: Callable[[Material, str, Random], Sample],
    source: Material,
    draw: Callable[[Random], str],
    count: int,
    random: Random,
) -> FieldSet:
    strips, written = [], []
    while len(strips) < count:
        text = draw(random)
        sample = compose(source, text, random)
        columns = sample.pixels.shape[1]
        # Digits squeezed until no alignment exists cannot be read by any reader of these steps.
        if steps_needed(sample.text) <= columns // STRIDE:
            strips.append(SeenStrip(Strip(sample.pixels, 1.0, 0), 0, 0, sample.pixels.shape))
            written.append(text)
    return FieldSet(name, tuple(strips), tuple(written))
