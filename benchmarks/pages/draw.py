"""Draw the forms of docs/examples, blank and filled by hand.

The files in docs/examples/forms say where the boxes are, and printed.yaml what is beside them.
"""

from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.pen import rounded
from benchmarks.robustness.pages import Page, inked, paper
from models.fields.constraints import START, Constraints
from models.strips import Grey
from training.reader.ink import Random
from training.reader.line import Glyphs, tidy_hand, write

FORMS = Path("docs") / "examples" / "forms"
PIXELS = 8  # per millimetre
_EDGE = 8  # millimetres of paper around the markers
_MARKER = 8  # millimetres
_FRAME = 1  # millimetres from a box to its printed frame
_INK, _GREY = 30, 130
_FONT = Path("service") / "web" / "inter.woff2"
_PRINTED = yaml.safe_load(Path(__file__).with_name("printed.yaml").read_text())

Corners = NDArray[np.float32]  # [4, 2]: x, y in pixels, clockwise from the top left


@dataclass(frozen=True)
class Form:
    """A form of docs/examples; `fields` as in its file."""

    name: str
    width: float  # millimetres
    height: float
    found_by: str
    fields: dict[str, dict[str, Any]]
    checks: tuple[dict[str, Any], ...]

    @property
    def edge(self) -> float:
        """Millimetres of paper around the area that the boxes count from."""
        return 0 if self.found_by == "reference" else _EDGE

    @property
    def corners(self) -> Corners:
        """The corners of that area on the drawn page."""
        right, bottom = self.edge + self.width, self.edge + self.height
        corners = [(self.edge, self.edge), (right, self.edge), (right, bottom), (self.edge, bottom)]
        return np.float32(corners) * PIXELS - 0.5

    def span(self, name: str) -> tuple[slice, slice]:
        """Return the rows and columns of a field's box on the drawn page."""
        x, y, width, height = self.fields[name]["box"]
        top, left = (round((at + self.edge) * PIXELS) for at in (y, x))
        return slice(top, top + round(height * PIXELS)), slice(left, left + round(width * PIXELS))


def load_forms(folder: Path = FORMS) -> list[Form]:
    """Read the forms in `folder`."""
    forms = []
    for path in sorted(folder.glob("*.yaml")):
        file = yaml.safe_load(path.read_text())
        width, height = file["page"]["width"], file["page"]["height"]
        checks = tuple(file.get("checks", ()))
        found_by, fields = file["found_by"], file["fields"]
        forms.append(Form(file["name"], width, height, found_by, fields, checks))
    return forms


def blank(form: Form) -> Grey:
    """Draw the blank page, uint8 [height, width], black on white."""
    size = tuple(round((side + 2 * form.edge) * PIXELS) for side in (form.width, form.height))
    page = Image.new("L", size, 255)
    draw = ImageDraw.Draw(page)
    for x, y, height, text in _PRINTED[form.name]["texts"]:
        font = ImageFont.truetype(_FONT, height * PIXELS)
        at = (x + form.edge) * PIXELS, (y + form.edge) * PIXELS
        draw.text(at, text, _INK, font, anchor="ls")
    for x, y, length in _PRINTED[form.name]["rules"]:
        left, top = (x + form.edge) * PIXELS, (y + form.edge) * PIXELS
        draw.line((left, top, left + length * PIXELS, top), _GREY, 2)
    for name in form.fields:
        rows, columns = form.span(name)
        frame = _FRAME * PIXELS
        start = columns.start - frame, rows.start - frame
        draw.rectangle((start, (columns.stop + frame, rows.stop + frame)), outline=_GREY, width=2)
    picture = np.array(page)
    if form.found_by != "reference":
        side = _MARKER * PIXELS
        (left, top), _, (right, bottom), _ = np.rint(form.corners + 0.5).astype(int)
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


def written(form: Form, random: Random) -> dict[str, str | bool]:
    """Invent what somebody writes: valid numbers, at most one tick of a group, checks that hold.

    Marks of a group have the same name up to the underscore.
    """
    entries: dict[str, str | bool] = {}
    for _group, names in groupby(form.fields, key=lambda name: name.split("_")[0]):
        marks = [name for name in names if form.fields[name]["kind"] == "mark"]
        ticked = random.integers(max(2, len(marks)))
        entries |= {name: bool(place == ticked) for place, name in enumerate(marks)}
    for name, field in form.fields.items():
        if field["kind"] == "digit":
            entries[name] = str(random.integers(10))
        elif field.get("format") == "amount":
            units, cents = random.integers(1, 10_000), random.integers(100)
            entries[name] = f"{units}{random.choice(['.', ',', '-'])}{cents:02}"
        elif field["kind"] == "field":
            entries[name] = _number(field, random)
    for check in form.checks:
        for name in check.get("equal", ()):
            entries[name] = entries[check["equal"][0]]
        if "sum" in check:
            entries[check["equals"]] = str(sum(int(entries[name]) for name in check["sum"]))
    return entries


def _number(field: dict[str, Any], random: Random) -> str:
    shortest = field.get("length", field.get("min_length", 1))
    longest = field.get("length", min(4, field.get("max_length", 4)))
    length = random.integers(shortest, longest + 1)
    constraints = Constraints(length=length, checksum=field.get("checksum"))
    while True:
        digits = [*random.integers(1, 10, 1), *random.integers(0, 10, length - 1)]
        state = START
        for digit in digits:
            state = state and constraints.extend(state, int(digit))
        if state and constraints.hold(state):
            return "".join(map(str, digits))


def fill(
    form: Form, page: Grey, entries: dict[str, str | bool | Grey], source: Glyphs, random: Random
) -> Page:
    """Write `entries` on the blank `page` with the digits of `source`, in one hand and ink.

    An entry is text, whether a box is ticked, or the ink of a cell, uint8 [height, width].
    """
    hand = tidy_hand(8 * PIXELS, random)
    ink = np.zeros(page.shape, np.uint8)
    for name, entry in entries.items():
        rows, columns = form.span(name)
        if isinstance(entry, bool):
            if entry:
                _tick(ink, rows, columns, random)
            continue
        strokes = (
            write(entry, hand, 8 * PIXELS, source, random) if isinstance(entry, str) else entry
        )
        height, width = rows.stop - rows.start, columns.stop - columns.start
        scale = min(1, height / strokes.shape[0], width / strokes.shape[1])
        strokes = cv2.resize(strokes, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        room = height - strokes.shape[0], width - strokes.shape[1]
        top = rows.start + int(room[0] * random.uniform(0.2, 0.8))
        left = columns.start + int(room[1] * random.uniform(0.2, 0.8 if room[1] < height else 0.4))
        ink[top : top + strokes.shape[0], left : left + strokes.shape[1]] |= strokes
    for x, y, length in _PRINTED[form.name]["rules"]:
        if length < 100:
            _scribble(
                ink, (x + form.edge) * PIXELS, (y + form.edge) * PIXELS, length * PIXELS, random
            )
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
