"""Find the ruled grid of a table on a scan or photo: lines, then their crossings.

Strokes longer than writing's are the lines, however a page is turned or bent a little: the curves
of a family of lines are fitted together, then each alone, and a line counts if most of it between
the crossing lines is there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from service.errors import NoTable
from service.imaging import Picture, as_picture

MOST_CELLS = 2000

# Lines are searched in a picture of at most this side, in pixels.
_SEARCHED_SIDE = 1600
_LEAST_SIDE = 64

# A line is darker than the paper around it by this many grey levels.
_FAINTEST_LINE = 6

# A piece of a line is as long as this share of the picture's side.
_PIECE, _SHORTEST_PIECE = 1 / 64, 12

# The most components of lines that may be the table: a sheet's rim can be larger than the table.
_CANDIDATES = 4

# Every so many columns are a sample; what covers less than this share of the width is no line.
_EVERY, _LEAST_COVER = 6, 0.2

# Distance, in pixels, of a line's pieces from their common curve.
_SPREAD = 4.0

# More lines in one direction are a texture.
_MOST_LINES = 256

# How much of a line has to be there, to count and to be a doubtful one; when a piece is complete.
_WHOLE, _DOUBTFUL, _COMPLETE = 0.6, 0.3, 0.85

# Two lines closer than this share of the usual distance are one, ruled twice.
_DOUBLE = 0.25
_CLOSEST = 8.0  # pixels

# A doubtful line nearer to a line than this share of the distance to the next separates nothing.
_INSIDE = 0.2

# Beyond the outer line, in widths of the last column, lines of a table that goes on are there.
_BEYOND, _RUNS_ON = np.linspace(0.06, 0.2, 6), 0.8

# Where most rows are of one height, one of twice the height may have lost its line.
_WIDE, _REGULAR = 1.6, 0.15

_SAMPLES = 16  # points along a curve, or between two crossings

_Floats = NDArray[np.float64]
_Mask = NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class Grid:
    """The crossings of a table's lines."""

    # float32 [rows + 1, columns + 1, 2], x and y in pixels of the picture, in order of rows and
    # columns.
    points: NDArray[np.float32]
    # bool [rows, columns], cells that may be several: a line next to them is not clear; all of
    # them, if the picture cuts the table off.
    doubtful: NDArray[np.bool_]

    @property
    def shape(self) -> tuple[int, int]:
        """The number of rows and columns."""
        rows, columns = self.doubtful.shape
        return rows, columns

    def corners(self, row: int, column: int) -> NDArray[np.float32]:
        """Return the corners of a cell: float32 [4, 2], clockwise from the top left."""
        four = self.points[row : row + 2, column : column + 2].reshape(4, 2)
        return np.ascontiguousarray(four[[0, 1, 3, 2]])

    def turned(self, quarters: int) -> "Grid":
        """Return the grid of a page that was turned: its first row is another side's.

        Turning the page by `quarters` of 90 degrees anticlockwise puts it upright.
        """
        return Grid(np.rot90(self.points, quarters), np.rot90(self.doubtful, quarters))


def find_grid(picture: Picture) -> Grid:
    """Find the largest table of at least two rows and two columns.

    `picture` is uint8 [height, width], dark lines on light paper.

    Raises:
        NoTable: there is none, there are several, or it has more than MOST_CELLS cells.
    """
    scale = min(1.0, _SEARCHED_SIDE / max(picture.shape))
    if min(picture.shape) * scale < _LEAST_SIDE:
        raise NoTable(f"the picture is too small or narrow: at least {_LEAST_SIDE} pixels a side")
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    piece = max(_SHORTEST_PIECE, round(_PIECE * max(small.shape)))
    method = cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV
    smooth = cv2.blur(small, (3, 3))
    ink = as_picture(cv2.adaptiveThreshold(smooth, 255, *method, 2 * piece + 1, _FAINTEST_LINE))
    across, down = _pieces(ink, piece), _pieces(ink.T, piece).T
    found: list[Grid] = []
    for (left, top, width, height), own in _components(across | down):
        box = np.s_[top : top + height, left : left + width]
        grid = _grid(across[box] & own, down[box] & own)
        if grid is not None:
            found.append(replace(grid, points=grid.points + np.array([left, top], np.float32)))
    found.sort(key=lambda grid: grid.doubtful.size, reverse=True)
    if not found:
        raise NoTable("no ruled table was found: it needs lines between all rows and columns")
    if len(found) > 1 and 2 * found[1].doubtful.size >= found[0].doubtful.size:
        raise NoTable("the picture shows several tables; send each alone")
    rows, columns = found[0].shape
    if rows * columns > MOST_CELLS:
        raise NoTable(f"the table has {rows} x {columns} cells; at most {MOST_CELLS} are read")
    points = found[0].points
    turned = points.transpose(1, 0, 2)
    near = np.ones((5, 1), np.uint8)
    across, down = as_picture(cv2.dilate(across, near)), as_picture(cv2.dilate(down, near.T))
    sides = (across, points), (across, points[:, ::-1]), (down, turned), (down, turned[:, ::-1])
    cut_off = any(_run_on(*side) for side in sides)
    return Grid(((points + 0.5) / scale - 0.5).astype(np.float32), found[0].doubtful | cut_off)


def _pieces(ink: _Mask, length: int) -> _Mask:
    """Keep what runs across for `length` pixels, at a slope of up to one in five or so."""
    thick = cv2.dilate(ink, np.ones((3, 1), np.uint8))
    return as_picture(cv2.morphologyEx(thick, cv2.MORPH_OPEN, np.ones((1, length), np.uint8)))


def _components(lines: _Mask) -> Iterator[tuple[tuple[int, int, int, int], _Mask]]:
    """Yield the largest components of lines: left, top, width and height, and a mask of the box."""
    joined = cv2.dilate(lines, np.ones((5, 5), np.uint8))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(joined)
    areas = stats[1:, cv2.CC_STAT_WIDTH].astype(int) * stats[1:, cv2.CC_STAT_HEIGHT]
    for label in 1 + np.argsort(-areas)[:_CANDIDATES]:
        left, top, width, height = stats[label, :4].tolist()
        if min(width, height) >= _LEAST_SIDE:
            own = labels[top : top + height, left : left + width] == label
            yield (left, top, width, height), own.astype(np.uint8)


def _grid(across: _Mask, down: _Mask) -> Grid | None:
    """Fit the lines of a table; None if there are too few."""
    lines = [_curves(across)[:_MOST_LINES], _curves(down.T)[:_MOST_LINES]]
    near = np.ones((5, 1), np.uint8)
    across, down = as_picture(cv2.dilate(across, near)), as_picture(cv2.dilate(down, near.T))
    weak: tuple[list[_Floats], list[_Floats]] = ([], [])
    while min(map(len, lines)) >= 3:
        points = _crossings(lines[0], lines[1], across.shape)
        turned = points.transpose(1, 0, 2)
        there = _there(across, points), _there(down, turned)
        which = int(there[1].min() < there[0].min())
        worst = np.argsort(there[which])
        worst = worst[there[which][worst] < _WHOLE]
        if worst.size:
            # Those that are left may be whole without the others.
            worst = worst[: max(1, worst.size // 4)]
            weak[which].extend(lines[which][worst[there[which][worst] > _DOUBTFUL]])
        else:
            doubles = _doubles(points, there[0]), _doubles(turned, there[1])
            which = int(not doubles[0].size)
            worst = doubles[which]
            if not worst.size:
                wide = _doubtful(points, weak[0], 0)[:, None] | _doubtful(points, weak[1], 1)
                return Grid(points.astype(np.float32), wide)
        lines[which] = np.delete(lines[which], worst, axis=0)
    return None


def _curves(mask: _Mask) -> _Floats:
    """Fit the lines that run across `mask`, from top to bottom.

    Returns:
        float64 [lines, 5], coefficients of y(x), the highest power first, x from -1 to 1 across.
    """
    height, width = mask.shape
    labels = cv2.connectedComponents(mask)[1][:, ::_EVERY]
    y, x = np.nonzero(labels)
    if not y.size:
        return np.empty((0, 5))
    piece = labels[y, x] - 1
    count = np.bincount(piece)
    x, y = 2.0 * _EVERY * x / width - 1, y.astype(float)
    # Along every line, y + terms @ bend is constant.
    terms = np.stack([x, x**2, x**3, x * y / height, x**2 * y / height])
    bend = np.zeros(5)
    columns = np.stack([y, *terms])
    weight = np.ones(y.size)
    for _ in range(4):
        total = np.bincount(piece, weight)
        means = np.stack([np.bincount(piece, weight * each) / total for each in columns])
        first, *others = centred = columns - means[:, piece]
        weighted = np.stack(others) * weight
        bend = np.linalg.solve(weighted @ centred[1:].T + 1e-3 * np.eye(5), -weighted @ first)
        weight = 1 / (1 + (first + bend @ centred[1:]) ** 2 / 4)
    level = y + bend @ terms
    place = np.bincount(piece, level) / count
    curves = []
    left = count.copy()
    while _EVERY * left.max() >= _SHORTEST_PIECE:
        longest = int(left.argmax())
        own = (np.abs(place - place[longest]) < _SPREAD) & (left > 0)
        middle = np.average(place[own], weights=left[own])
        own |= (np.abs(place - middle) < _SPREAD) & (left > 0)
        left[own] = 0
        points = own[piece]
        if _EVERY * np.unique(x[points]).size > _LEAST_COVER * width:
            curves.append(_curve(x[points], level[points] - middle, middle, bend, height))
    return np.array(sorted(curves, key=lambda curve: curve[-1])).reshape(-1, 5)


def _curve(x: _Floats, off: _Floats, middle: float, bend: _Floats, height: int) -> _Floats:
    """Fit one line, `off` pixels from its place in its family."""
    span = np.ptp(x)
    own = np.polyfit(x, off, 3 if span > 1.2 else 1 if span > 0.6 else 0)
    at = np.linspace(-1, 1, _SAMPLES)
    flat = middle + np.polyval(own, at) - np.stack([at, at**2, at**3], axis=1) @ bend[:3]
    return np.polyfit(at, flat / (1 + (bend[3] * at + bend[4] * at**2) / height), 4)


def _crossings(rows: _Floats, columns: _Floats, shape: tuple[int, int]) -> _Floats:
    """Return where each row's curve meets each column's: [rows, columns, 2], x and y in pixels."""
    height, width = shape
    y = np.full((len(rows), len(columns)), height / 2)
    for _ in range(5):
        x = _at(columns[None], 2 * y / height - 1)
        y = _at(rows[:, None], 2 * x / width - 1)
    return np.stack([x, y], axis=2)


def _at(curves: _Floats, place: _Floats) -> _Floats:
    place = place.clip(-1.1, 1.1)  # beyond, a polynomial means nothing
    value = np.zeros(place.shape)
    for power in range(curves.shape[-1]):
        value = value * place + curves[..., power]
    return value


def _there(mask: _Mask, points: _Floats) -> _Floats:
    """Return how much of each line, through a row of `points`, `mask` has, from 0 to 1.

    Half of it is the share of its pieces between two points that are complete, as no column of
    ones is.
    """
    steps = np.linspace(0, 1, _SAMPLES)[:, None, None, None]
    places = np.rint(points[:, :-1] * (1 - steps) + points[:, 1:] * steps).astype(int)
    height, width = mask.shape
    x, y = places[..., 0], places[..., 1]
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    share = (inside & (mask[y.clip(0, height - 1), x.clip(0, width - 1)] > 0)).mean(axis=0)
    return np.asarray((share + (share >= _COMPLETE)).mean(axis=1) / 2)


def _run_on(mask: _Mask, points: NDArray[np.float32]) -> bool:
    """Return whether most lines, each through a row of `points`, go on after the last one."""
    last = points[:, -1:]
    places = np.rint(last + (last - points[:, -2:-1]) * _BEYOND[:, None]).astype(int)
    x, y = places[..., 0], places[..., 1]
    height, width = mask.shape
    inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    there = inside & (mask[y.clip(0, height - 1), x.clip(0, width - 1)] > 0)
    seen = inside.sum(axis=1)
    goes_on = there.sum(axis=1) >= _RUNS_ON * seen
    return bool((seen > 1).any() and goes_on[seen > 1].mean() > 0.5)


def _gaps(points: _Floats) -> _Floats:
    """Return the median distance between neighbouring lines, each through a row of `points`."""
    return np.asarray(np.median(np.linalg.norm(np.diff(points, axis=0), axis=2), axis=1))


def _doubles(points: _Floats, there: _Floats) -> NDArray[np.intp]:
    """Return which lines, each through a row of `points`, are the weaker of two that are one."""
    gaps = _gaps(points)
    near = np.flatnonzero(gaps < max(_CLOSEST, _DOUBLE * np.median(gaps)))
    return np.unique(near + (there[near + 1] < there[near]))


def _doubtful(points: _Floats, weak: Sequence[_Floats], axis: int) -> NDArray[np.bool_]:
    """Return which rows (axis 0) or columns (axis 1) may be several."""
    places = points[..., 1 - axis].mean(axis=1 - axis)
    gaps = _gaps(points if axis == 0 else points.transpose(1, 0, 2))
    times = gaps / np.median(gaps)
    doubtful = np.zeros(len(gaps), bool)
    if np.mean(np.abs(times - 1) < _REGULAR) > 0.7:
        doubtful |= (times > _WIDE) & (np.abs(times - np.rint(times)) < 2 * _REGULAR)
    for curve in weak:
        place = float(_at(curve, np.zeros(())))
        which = int(np.searchsorted(places, place)) - 1
        beyond = max(places[0] - place, place - places[-1])
        if beyond > _INSIDE * np.median(gaps):
            doubtful[:] = True  # there may be another row
        elif beyond < 0 and _INSIDE < (place - places[which]) / gaps[which] < 1 - _INSIDE:
            doubtful[which] = True
    return doubtful
