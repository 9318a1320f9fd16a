"""Photographs of filled forms, and pictures that show other things."""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.pages.draw import (
    FONT,
    PRINTED,
    Corners,
    blank,
    corners_of,
    example_forms,
    fill,
    written,
)
from benchmarks.pages.photograph import SEVERITIES, photograph
from benchmarks.pen import drawn_digits
from benchmarks.robustness.conditions import jpeg
from benchmarks.robustness.junk import junk
from benchmarks.robustness.pages import inked, paper
from benchmarks.robustness.sources import photographs
from models.fields.formats import Notation
from models.mnist import Digits
from service.forms.files import Form
from training.reader.amounts import Amount
from training.reader.ink import Random, RealDigits, ink_of
from training.reader.line import Glyphs

_NO_REAL_DIGITS = RealDigits(((),) * 10)
_JUNK = ("textures", "wood grain", "empty form", "noise", "scribbles", "printed letters")
_TEXTS = 5


@dataclass(frozen=True)
class Photo:
    """A photograph of a form: its severity, what its fields hold, where its corners are."""

    form: str
    severity: str
    hand: str
    file: bytes
    corners: Corners
    texts: Mapping[str, str]


@cache
def strokes() -> Glyphs:
    """Return digits drawn with a pen: they may be published."""
    return Glyphs.of(drawn_digits(400, seed=1, widest=2), _NO_REAL_DIGITS)


def photos(
    forms: Mapping[str, Form], digits: Digits, cells: Sequence[Amount], count: int, seed: int
) -> Iterator[Photo]:
    """Photograph `count` pages of each form at each severity in turn.

    Half are written with strokes, half with `digits`; with these, amounts that nothing but a sum
    depends on are cells.
    """
    hands = {"strokes": strokes(), "MNIST": Glyphs.of(digits, _NO_REAL_DIGITS)}
    pages = {name: blank(form) for name, form in forms.items()}
    turns = [(f, s, h) for h in hands for s in SEVERITIES for f in forms]
    for number in range(count):
        name, severity, hand = turns[number % len(turns)]
        form, random = forms[name], np.random.default_rng((seed, number))
        taken = _cells(form, cells, random) if hand == "MNIST" else {}
        given = {field: cell.digits for field, cell in taken.items()}
        inks = {field: ink_of(cell.grey) for field, cell in taken.items()}
        entries = written(form, random, given)
        page = fill(form, pages[name], entries, hands[hand], random, inks)
        file, corners = photograph(page, corners_of(form), severity, random)
        texts = {field: _text(form, field, entry) for field, entry in entries.items()}
        yield Photo(name, severity.name, hand, file, corners, texts)


def _cells(form: Form, cells: Sequence[Amount], random: Random) -> dict[str, Amount]:
    sums = {check.equals for check in form.checks}
    found = {}
    for name, field in form.fields.items():
        if field.kind == "field" and field.max_length and name not in sums:
            longest = min(4, field.max_length)
            fitting = [each for each in cells if each.raw is None and len(each.digits) <= longest]
            if fitting:
                found[name] = fitting[random.integers(len(fitting))]
    return found


def _text(form: Form, name: str, entry: str | bool) -> str:
    if isinstance(entry, bool):
        return json.dumps(entry)
    field = form.fields[name]
    return str(Notation(field.format).readings(entry)[0]) if field.format else entry


def others(digits: Digits, seed: int) -> Iterator[tuple[bytes, str | None]]:
    """Yield 20 pictures: of nothing, of text, and of another form, which is named."""
    yield from ((junk(kind, 1, digits, seed=seed)[0], None) for kind in _JUNK)
    yield from ((jpeg(np.asarray(photo)), None) for photo in photographs()[:3])
    yield from ((_text_page(np.random.default_rng((seed, n))), None) for n in range(_TEXTS))
    forms = example_forms()
    twice = photos(forms, digits, (), 2 * len(forms), seed)
    yield from ((photo.file, photo.form) for photo in twice)


def _text_page(random: Random) -> bytes:
    """Photograph a page of text."""
    page = Image.new("L", (1100, 1500), 255)
    words = " ".join(text[3] for form in PRINTED.values() for text in form["texts"]).split()
    draw, font = ImageDraw.Draw(page), ImageFont.truetype(FONT, int(random.integers(20, 40)))
    for row in range(100, 1400, 2 * round(font.size)):
        draw.text((100, row), " ".join(random.choice(words, 7)), 30, font)
    ink = 1 - np.asarray(page, np.float32) / 255
    sheet = inked(paper(random, *ink.shape), ink, (30, 30, 30))
    severity = SEVERITIES[random.integers(len(SEVERITIES))]
    return photograph(sheet, np.zeros((4, 2), np.float32), severity, random)[0]


def scans(form: Form, count: int, seed: int) -> bytes:
    """Return a TIFF with `count` pages of a filled form, bitonal (CCITT G4)."""
    random, page = np.random.default_rng(seed), blank(form)
    entries = (written(form, random) for _ in range(count))
    filled = (fill(form, page, each, strokes(), random).mean(axis=2) for each in entries)
    first, *rest = (Image.fromarray(grey > 128) for grey in filled)
    file = io.BytesIO()
    first.save(file, "TIFF", save_all=True, append_images=rest, compression="group4")
    return file.getvalue()
