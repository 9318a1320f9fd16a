"""The connected pieces of ink: which are the digit, and what the others say about the picture."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from service.imaging.clutter import Side
from service.imaging.greyscale import Picture, as_picture

# The most pieces to consider, the largest first; more are noise.
_MOST_PIECES = 48

# A piece with less than this share of the largest piece's area is a speck. So is a picture's
# largest piece if it has no more pixels than this across.
_SPECK_AREA = 0.04
_SPECK_SIDE = 7
# Specks of this share of the size of all of them are no digit.
_SCATTERED = 0.22

# A strip along the rim is the rest of a border or of a shadow: its length and width as shares
# of the picture's, and its width of its length. Beside a band that was cut off, it may be shorter.
_STRIP_LENGTH, _STRIP_WIDTH, _STRIP_FLAT = 0.8, 0.12, 0.3
_WEDGE_LENGTH = 0.1

# A piece at the rim is a neighbour if its longer side has this share of the digit's height,
# and dirt otherwise.
_NEIGHBOUR_SIDE = 0.2

# If the digit itself touches the rim, a piece at a side is not a part of it if it has at most this
# share of the picture's width.
_BESIDE_WIDTH = 0.4

# A digit that touches the rim may be cut off there if the opposite side is at least this share of
# its size away. A digit that fills its crop is not cut off.
_CLEAR_OF_OTHER_SIDE = 0.1

# Ink so many times wider than high is several digits; if it fills this share of its box, a dash.
_WIDEST, _DASH = 2.0, 0.5
# Two pieces of at least this share of the highest one's height with a gap between them are two.
_HIGH_PIECE = 0.6
# A single digit has fewer lines of this share of the height than these, or one higher line.
_MOST_LINES, _LOW_LINE, _HIGH_LINE = 3, 0.04, 0.3


Box = tuple[int, int, int, int]  # left, top, right, bottom


class Piece(NamedTuple):
    """Connected ink: its label, its box in pixels, and its area."""

    label: int
    left: int
    top: int
    right: int
    bottom: int
    area: int

    @property
    def width(self) -> int:
        """Columns of the box."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """Rows of the box."""
        return self.bottom - self.top


class Digit(NamedTuple):
    """The ink of the digit."""

    mask: Picture  # uint8 [height, width], 1 for its ink
    box: Box  # the box around it
    main: Piece  # its largest piece
    several: bool  # there is more than one digit, perhaps cut off by the rim
    touches: tuple[Side, ...]  # the sides of the picture that may cut it off

    def box_with(self, margin: int) -> Box:
        """Return its box with a margin within the picture."""
        left, top, right, bottom = self.box
        height, width = self.mask.shape
        return (
            max(0, left - margin),
            max(0, top - margin),
            min(width, right + margin),
            min(height, bottom + margin),
        )

    def is_dirt(self, pixel: int) -> bool:
        """Whether it is a speck or many, if a pixel of `mask` is `pixel` of the picture."""
        left, top, right, bottom = self.box
        largest = max(self.main.width, self.main.height)
        spread = _SCATTERED * max(right - left, bottom - top)
        return largest <= max(2.0, _SPECK_SIDE / pixel) or largest < min(_SPECK_SIDE, spread)


def find_digit(mask: Picture, strong: Picture, cut: Sequence[Side]) -> Digit | None:
    """Find the digit among the pieces of `mask` (30 us); None if nothing is written.

    Args:
        mask: uint8 [height, width], 255 for ink.
        strong: the same with a higher threshold; a piece without a pixel above it is noise.
        cut: the sides that had bands; see `Part`.
    """
    height, width = mask.shape
    labels, pieces = _pieces(mask, strong)
    pieces = [piece for piece in pieces if not _is_strip(piece, height, width, cut)]
    if not pieces:
        return None
    main = pieces[0]
    is_on_rim = _touches_rim(main, height, width)
    pieces = [piece for piece in pieces if piece.area >= _SPECK_AREA * main.area]
    beside = [
        piece
        for piece in pieces[1:]
        if _touches_rim(piece, height, width) and (not is_on_rim or _is_beside(piece, width))
    ]
    pieces = [piece for piece in pieces if piece not in beside]
    ink = as_picture((labels == main.label).view(np.uint8))
    for piece in pieces[1:]:
        ink[labels == piece.label] = 1
    _, lefts, tops, rights, bottoms, _ = zip(*pieces, strict=True)
    box = min(lefts), min(tops), max(rights), max(bottoms)
    least = _NEIGHBOUR_SIDE * main.height
    several = (
        any(max(piece.width, piece.height) >= least for piece in beside)
        or _is_wide(pieces, box)
        or _are_side_by_side(pieces)
        or _are_in_lines(ink[box[1] : box[3], box[0] : box[2]])
    )
    touches = tuple(_sides_that_may_cut(main, height, width)) if is_on_rim else ()
    return Digit(ink, box, main, several, touches)


def _pieces(mask: Picture, strong: Picture) -> tuple[Picture, list[Piece]]:
    # The largest first.
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count > 2:
        inked = np.bincount(labels[strong > 0], minlength=count)
        boxes[inked == 0, cv2.CC_STAT_AREA] = 0
    found = [
        Piece(label, x, y, x + width, y + height, area)
        for label, (x, y, width, height, area) in enumerate(boxes.tolist())
        if label and area
    ]
    found.sort(key=lambda piece: -piece.area)
    return labels, found[:_MOST_PIECES]  # type: ignore[return-value]


def _touches_rim(piece: Piece, height: int, width: int) -> bool:
    return piece.left == 0 or piece.top == 0 or piece.right == width or piece.bottom == height


def _is_strip(piece: Piece, height: int, width: int, cut: Sequence[Side]) -> bool:
    shorter, longer = sorted((piece.width, piece.height))
    if shorter >= _STRIP_FLAT * longer or not _touches_rim(piece, height, width):
        return False
    is_low = longer == piece.width
    length, depth = (width, height) if is_low else (height, width)
    for side in (Side.TOP, Side.BOTTOM) if is_low else (Side.LEFT, Side.RIGHT):
        least = _WEDGE_LENGTH if side in cut else _STRIP_LENGTH
        if piece[1 + side] == (0, 0, width, height)[side] and longer > least * length:
            return shorter < _STRIP_WIDTH * depth
    return False


def _is_beside(piece: Piece, width: int) -> bool:
    return (piece.left == 0 or piece.right == width) and piece.width <= _BESIDE_WIDTH * width


def _sides_that_may_cut(main: Piece, height: int, width: int) -> Iterator[Side]:
    gaps = main.left, main.top, width - main.right, height - main.bottom
    sizes = main.width, main.height
    for side, gap in zip(Side, gaps, strict=True):
        if gap == 0 and gaps[(side + 2) % 4] > max(2.0, _CLEAR_OF_OTHER_SIDE * sizes[side % 2]):
            yield side


def _is_wide(pieces: Sequence[Piece], box: Box) -> bool:
    width, height = box[2] - box[0], box[3] - box[1]
    is_dash = sum(piece.area for piece in pieces) > _DASH * width * height
    return width > _WIDEST * height and not is_dash


def _are_side_by_side(pieces: Sequence[Piece]) -> bool:
    least = _HIGH_PIECE * max(piece.height for piece in pieces)
    high = sorted(piece[1:4:2] for piece in pieces if piece.height >= least)
    end = high[0][1] if high else 0
    for left, right in high[1:]:
        if left >= end:
            return True
        end = max(end, right)
    return False


def _are_in_lines(ink: Picture) -> bool:
    # Rows with ink between rows without are a line.
    rows = cv2.reduce(ink, 1, cv2.REDUCE_MAX).ravel()
    if cv2.countNonZero(rows) == len(rows):
        return False
    turns = np.flatnonzero(np.diff(np.concatenate(([0], rows.astype(np.int8), [0]))))
    heights = (turns[1::2] - turns[::2]) / len(rows)
    return bool((heights >= _LOW_LINE).sum() >= _MOST_LINES or (heights >= _HIGH_LINE).sum() >= 2)
