"""Draw the forms of docs/examples, blank and filled by hand.

The files in docs/examples/forms say where the boxes are, and printed.yaml what is beside them.
"""

from collections.abc import Mapping
from itertools import groupby
from pathlib import Path
from types import MappingProxyType

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.pen import rounded
from benchmarks.robustness.pages import Page, inked, paper
from models.fields.constraints import START, Constraints, State
from models.strips import Grey
from service.forms.files import Form, FormField, form_files, load_form
from training.reader.ink import Random
from training.reader.line import Glyphs, tidy_hand, write

FORMS = Path("docs") / "examples" / "forms"
PIXELS = 8  # per millimetre
_EDGE = 8  # millimetres of paper around the markers
_MARKER = 8  # millimetres
_FRAME = 1  # millimetres from a box to its printed frame
_INK, _GREY = 30, 130
FONT = Path("service") / "web" / "inter.woff2"
PRINTED = yaml.safe_load(Path(__file__).with_name("printed.yaml").read_text())

# [4, 2]: x, y in pixels from the corner of the first one; clockwise from the top left.
Corners = NDArray[np.float32]


def example_forms() -> dict[str, Form]:
    """Read the forms of docs/examples."""
    return {path.stem: load_form(path) for path in form_files(FORMS)}


def corners_of(form: Form) -> Corners:
    """Return the corners of the area that boxes count from, on the drawn page."""
    edge, (width, height) = _edge(form), form.size
    unit = np.float32([(0, 0), (1, 0), (1, 1), (0, 1)])
    return (unit * np.float32((width, height)) + edge) * PIXELS


def _edge(form: Form) -> float:
    """Return the millimetres of paper around that area."""
    return 0 if form.found_by == "reference" else _EDGE


def _span(form: Form, name: str) -> tuple[slice, slice]:
    """Return the rows and columns of a field's box on the drawn page."""
    x, y, width, height = form.boxes[name]
    top, left = (round((at + _edge(form)) * PIXELS) for at in (y, x))
    return slice(top, top + round(height * PIXELS)), slice(left, left + round(width * PIXELS))


def blank(form: Form) -> Grey:
    """Draw the blank page, uint8 [height, width], black on white."""
    edge = _edge(form)
    size = tuple(round((side + 2 * edge) * PIXELS) for side in form.size)
    page = Image.new("L", size, 255)
    draw = ImageDraw.Draw(page)
    for x, y, height, text in PRINTED[form.name]["texts"]:
        font = ImageFont.truetype(FONT, height * PIXELS)
        at = (x + edge) * PIXELS, (y + edge) * PIXELS
        draw.text(at, text, _INK, font, anchor="ls")
    for x, y, length in PRINTED[form.name]["rules"]:
        left, top = (x + edge) * PIXELS, (y + edge) * PIXELS
        draw.line((left, top, left + length * PIXELS, top), _GREY, 2)
    for name in form.fields:
        rows, columns = _span(form, name)
        frame = _FRAME * PIXELS
        start = columns.start - frame, rows.start - frame
        draw.rectangle((start, (columns.stop + frame, rows.stop + frame)), outline=_GREY, width=2)
    picture = np.array(page)
    if form.found_by != "reference":
        side = _MARKER * PIXELS
        (left, top), _, (right, bottom), _ = np.rint(corners_of(form)).astype(int)
        right, bottom = right - side, bottom - side
        for number, (x, y) in enumerate(
            ((left, top), (right, top), (right, bottom), (left, bottom))
        ):
            picture[y : y + side, x : x + side] = _marker(form.found_by, number, side)
    return picture


def _marker(found_by: str, number: int, side: int) -> Grey:
    if found_by == "aruco":
        markers = cv2.aruco.getPredefinedDictionary(cv2.aruco.DICT_4X4_50)
        return cv2.aruco.generateImageMarker(markers, number, side)
    square = np.zeros((side, side), np.uint8)
    if number == 0:
        square[side // 4 : -side // 4, side // 4 : -side // 4] = 255
    return square


def written(
    form: Form, random: Random, given: Mapping[str, str] = MappingProxyType({})
) -> dict[str, str | bool]:
    """Invent what somebody writes: valid numbers, at most one tick of a group, checks that hold.

    Marks of a group have the same name up to the underscore. Some texts can be `given`.
    """
    entries: dict[str, str | bool] = {}
    for _, group in groupby(form.fields, key=lambda name: name.split("_")[0]):
        marks = [name for name in group if form.fields[name].kind == "mark"]
        ticked = int(random.integers(max(2, len(marks))))
        entries |= {name: place == ticked for place, name in enumerate(marks)}
    for name, field in form.fields.items():
        if field.kind == "digit":
            entries[name] = str(random.integers(10))
        elif field.format == "amount":
            units, cents = random.integers(1, 10_000), random.integers(100)
            entries[name] = f"{units}{random.choice(['.', ',', '-'])}{cents:02}"
        elif field.kind == "field":
            entries[name] = given.get(name) or _number(field, random)
    for check in form.checks:
        if check.equal:
            entries |= dict.fromkeys(check.equal, entries[check.equal[0]])
        if check.sum:
            entries[check.equals] = str(sum(int(entries[name]) for name in check.sum))
    return entries


def _number(field: FormField, random: Random) -> str:
    shortest, longest = field.min_length or 1, min(4, field.max_length or 4)
    length = field.length or int(random.integers(shortest, longest + 1))
    constraints = Constraints(length, checksum=field.checksum)
    while True:
        digits = [*random.integers(1, 10, 1).tolist(), *random.integers(0, 10, length - 1).tolist()]
        state: State | None = START
        for digit in digits:
            state = state and constraints.extend(state, digit)
        if state and constraints.hold(state):
            return "".join(map(str, digits))


def fill(
    form: Form,
    page: Grey,
    entries: Mapping[str, str | bool],
    source: Glyphs,
    random: Random,
    inks: Mapping[str, Grey] = MappingProxyType({}),
) -> Page:
    """Write `entries` on the blank `page` with the digits of `source`, in one hand and ink.

    For some, the ink that others have written is in `inks`, uint8 [height, width].
    """
    hand = tidy_hand(8 * PIXELS, random)
    ink = np.zeros(page.shape, np.uint8)
    for name, entry in entries.items():
        rows, columns = _span(form, name)
        if isinstance(entry, bool):
            if entry:
                _tick(ink, rows, columns, random)
            continue
        strokes = inks.get(name)
        if strokes is None:
            strokes = write(entry, hand, 8 * PIXELS, source, random)
        height, width = rows.stop - rows.start, columns.stop - columns.start
        scale = min(1, height / strokes.shape[0], width / strokes.shape[1])
        strokes = cv2.resize(strokes, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        room = height - strokes.shape[0], width - strokes.shape[1]
        top = rows.start + int(room[0] * random.uniform(0.2, 0.8))
        left = columns.start + int(room[1] * random.uniform(0.2, 0.8 if room[1] < height else 0.4))
        ink[top : top + strokes.shape[0], left : left + strokes.shape[1]] |= strokes
    edge = _edge(form)
    for x, y, length in PRINTED[form.name]["rules"]:
        if length < 100:
            _scribble(ink, (x + edge) * PIXELS, (y + edge) * PIXELS, length * PIXELS, random)
    sheet = inked(paper(random, *page.shape), (255 - page) / np.float32(255), (20, 20, 20))
    pen = int(random.uniform(15, 70))
    return inked(sheet, ink / np.float32(255), (pen, pen, pen + int(random.integers(90))))


def _tick(ink: Grey, rows: slice, columns: slice, random: Random) -> None:
    strokes = _TICKS[random.integers(len(_TICKS))]
    for stroke in strokes:
        corners = np.array(stroke) + random.normal(0, 0.06, (len(stroke), 2))
        side = rows.stop - rows.start
        _stroke(ink, rounded(corners) * side + (columns.start, rows.start))


_TICKS = (
    [[(0.1, 0.5), (0.4, 0.9), (1.1, -0.1)]],
    [[(0.1, 0.1), (0.5, 0.45), (0.9, 0.9)], [(0.9, 0.1), (0.5, 0.55), (0.1, 0.9)]],
)


def _scribble(ink: Grey, left: float, base: float, length: float, random: Random) -> None:
    """Write a word that nobody can read."""
    time = np.linspace(0, 1, 200)
    turns, phase = length / PIXELS * random.uniform(0.3, 0.5), random.uniform(0, 6)
    x = left + length * (0.05 + random.uniform(0.5, 0.8) * time) + PIXELS * np.sin(turns * 6 * time)
    size = 1.2 + np.sin(2 * np.pi * time * turns / 7 + phase) * 0.8
    _stroke(ink, np.stack([x, base - PIXELS * (1.8 + size * np.cos(turns * 6 * time))], axis=1))


def _stroke(ink: Grey, points: NDArray[np.float64]) -> None:
    cv2.polylines(ink, [np.rint(points * 16).astype(np.int32)], False, 255, 4, cv2.LINE_AA, shift=4)
