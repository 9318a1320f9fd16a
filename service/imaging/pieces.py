"""The connected pieces of ink: which are the digit, and what the others say about the picture."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import cv2
import numpy as np

from service.imaging.bands import Side
from service.imaging.greyscale import Picture, as_picture

# The most pieces to consider, the largest first; more are noise.
_MOST_PIECES = 48

# A piece with less than this share of the largest piece's area is a speck. So is a picture's
# largest piece if it has no more pixels than this across.
_SPECK_AREA = 0.04
_SPECK_SIDE = 7
# Specks of this share of the size of all of them are no digit.
_SCATTERED = 0.22

# A frame spans the picture, has ink along all its sides, and little within them.
_FRAME_SPAN = 0.4
_FRAME_FILLED = 0.5
_FRAME_SIDE = 0.1
_FRAME_LEAST_SIDE, _FRAME_OTHER_SIDES = 0.75, 0.85
_FRAME_WIDTH = 0.07
_FRAME_AREA = 0.1
_FRAME_REST = 0.15

# A strip along the rim is the rest of a border or of a shadow: its length and width as shares
# of the picture's, and its width of its length. Beside a band that was cut off, it may be shorter.
_STRIP_LENGTH, _STRIP_WIDTH, _STRIP_FLAT = 0.8, 0.12, 0.3
_WEDGE_LENGTH = 0.1

# If the largest piece is at the rim, another one of this share of its area is the digit.
_INNER_SHARE = 0.3
_INNER_PIXELS = 8

# Pieces at the rim are a neighbouring digit if they are this large, as shares of the digit's height
# and area, and dirt otherwise: at a side together, above and below each for itself.
_NEIGHBOUR_SIDE = 0.3
_NEIGHBOUR_AREA = 0.05
_NEIGHBOUR_ABOVE_SIDE = 0.3
_NEIGHBOUR_ABOVE_AREA = 0.15
_NEIGHBOUR_SPECK = 0.03

# If the digit itself touches the rim, a piece at a side is not a part of it if it has at most this
# share of the picture's width, and less than these of the digit's height and area.
_BESIDE_WIDTH, _BESIDE_HEIGHT, _BESIDE_AREA = 0.4, 0.6, 0.5

# A digit that touches the rim may be cut off there if the opposite side is at least this share of
# its size away. A digit that fills its crop is not cut off.
_CLEAR_OF_OTHER_SIDE = 0.1
_ROOM_BESIDE_LINE, _LEAST_PAGE = 0.2, 32

# Two pieces of at least this share of the height with a gap between them are two digits.
_HIGH_PIECE = 0.6
# A single digit has fewer lines of this share of the height than these, or one higher line.
_MOST_LINES, _LOW_LINE, _HIGH_LINE = 3, 0.04, 0.3


class Piece(NamedTuple):
    """Connected ink: its label, its box in pixels, and its area."""

    label: int
    x: int
    y: int
    width: int
    height: int
    area: int

    @property
    def right(self) -> int:
        """The first column after it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row below it."""
        return self.y + self.height


class Digit(NamedTuple):
    """The ink of the digit.

    Attributes:
        mask: uint8 [height, width], 1 for its ink.
        box: left, top, right and bottom.
        main: its largest piece.
        several: there is more than one digit, perhaps cut off by the rim.
        touches: the sides of the picture that may cut it off.
    """

    mask: Picture
    box: tuple[int, int, int, int]
    main: Piece
    several: bool
    touches: tuple[Side, ...]

    @property
    def is_scattered(self) -> bool:
        """Whether it is many specks."""
        left, top, right, bottom = self.box
        largest = max(self.main.width, self.main.height)
        return largest < min(_SPECK_SIDE, _SCATTERED * max(right - left, bottom - top))

    def is_speck(self, pixel: int) -> bool:
        """Whether it is too small to be written, if a pixel of `mask` is `pixel` of the picture."""
        return max(self.main.width, self.main.height) <= max(2.0, _SPECK_SIDE / pixel)


def find_digit(
    mask: Picture, strong: Picture, *, cut: Sequence[Side], closing: int, fewest: int
) -> Digit | None:
    """Find the digit among the pieces of `mask` (40 us).

    Args:
        mask: uint8 [height, width], 255 for ink.
        strong: the same with a higher threshold; a piece without a pixel above it is noise.
        cut: the sides that had bands; see `Part`.
        closing: side of the closing that found the paper; see `Paper`.
        fewest: the fewest pixels of a digit.

    Returns:
        None if nothing is written.
    """
    height, width = mask.shape
    labels, pieces = _pieces(mask, strong)
    unframed = _without_frames(mask, labels, pieces)
    if unframed is not mask:
        labels, pieces = _pieces(unframed, strong)
    pieces = [piece for piece in pieces if not _is_rest(piece, height, width, cut, closing)]
    if not pieces:
        return None
    main = _main_piece(pieces, height, width)
    pieces = [
        piece for piece in pieces if piece == main or not _is_rest_of_frame(piece, height, width)
    ]
    neighbours = False
    touches: tuple[Side, ...] = ()
    on_rim = [piece for piece in pieces if _touches_rim(piece, height, width)]
    if main in on_rim:
        beside = [piece for piece in on_rim if piece != main and _is_beside(piece, main, width)]
        pieces = [piece for piece in pieces if piece not in beside]
        neighbours = _has_neighbours(beside, main, height, width)
        touches = tuple(_sides_that_may_cut(main, height, width))
    elif on_rim:
        neighbours = _has_neighbours(on_rim, main, height, width)
        pieces = [piece for piece in pieces if piece not in on_rim]
    pieces = [piece for piece in pieces if piece.area >= max(1.0, _SPECK_AREA * main.area)]
    if sum(piece.area for piece in pieces) < fewest:
        return None
    left, top = min(piece.x for piece in pieces), min(piece.y for piece in pieces)
    right, bottom = max(piece.right for piece in pieces), max(piece.bottom for piece in pieces)
    ink = _ink_of(labels, pieces)
    several = (
        neighbours
        or _are_side_by_side(pieces, bottom - top)
        or _are_in_lines(ink[top:bottom, left:right])
    )
    return Digit(ink, (left, top, right, bottom), main, several, touches)


def without_frames(mask: Picture, strong: Picture) -> Picture:
    """Remove frames around the digit from `mask` (30 us); see `find_digit`."""
    return _without_frames(mask, *_pieces(mask, strong))


def _without_frames(mask: Picture, labels: Picture, pieces: Sequence[Piece]) -> Picture:
    frames = [piece for piece in pieces if _is_frame(labels, piece, pieces[0].area)]
    if frames:
        mask = mask.copy()
    for frame in frames:
        _erase_frame(mask, labels, frame)
    return mask


def _pieces(mask: Picture, strong: Picture) -> tuple[Picture, list[Piece]]:
    # The largest first.
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    if count > 2:
        inked = np.bincount(labels[strong > 0], minlength=count)
        boxes[inked == 0, cv2.CC_STAT_AREA] = 0
    found = [Piece(label, *box) for label, box in enumerate(boxes.tolist()) if label and box[4] > 0]
    found.sort(key=lambda piece: -piece.area)
    return labels, found[:_MOST_PIECES]  # type: ignore[return-value]


def _ink_of(labels: Picture, pieces: Sequence[Piece]) -> Picture:
    if len(pieces) == 1:
        return as_picture((labels == pieces[0].label).view(np.uint8))
    chosen = np.zeros(int(labels.max()) + 1, np.uint8)
    chosen[[piece.label for piece in pieces]] = 1
    return as_picture(chosen[labels])


def _is_frame(labels: Picture, piece: Piece, largest: int) -> bool:
    height, width = labels.shape
    if piece.width < _FRAME_SPAN * width or piece.height < _FRAME_SPAN * height:
        return False
    if (
        piece.area > _FRAME_FILLED * piece.width * piece.height
        or piece.area < _FRAME_AREA * largest
    ):
        return False
    ink = labels[piece.y : piece.bottom, piece.x : piece.right] == piece.label
    # Cheap to see, and wrong for most digits.
    if not (ink[:3, :3].any() and ink[-3:, -3:].any()):
        return False
    high, wide = (max(2, int(_FRAME_SIDE * side)) for side in ink.shape)
    least, *others = sorted(
        (
            float(ink[:high].any(axis=0).mean()),
            float(ink[-high:].any(axis=0).mean()),
            float(ink[:, :wide].any(axis=1).mean()),
            float(ink[:, -wide:].any(axis=1).mean()),
        )
    )
    return least > _FRAME_LEAST_SIDE and others[0] > _FRAME_OTHER_SIDES


def _erase_frame(mask: Picture, labels: Picture, frame: Piece) -> None:
    # Only along its sides, as a digit may touch it.
    ink = labels[frame.y : frame.bottom, frame.x : frame.right] == frame.label
    high, wide = (max(2, round(_FRAME_WIDTH * side)) for side in ink.shape)
    ink[high:-high, wide:-wide] = False
    mask[frame.y : frame.bottom, frame.x : frame.right][ink] = 0


def _is_rest(piece: Piece, height: int, width: int, cut: Sequence[Side], closing: int) -> bool:
    sides = set(_sides_touched(piece, height, width))
    for side in sides:
        along, across = piece.width, piece.height
        length, depth = width, height
        if side in (Side.LEFT, Side.RIGHT):
            along, across, length, depth = across, along, depth, length
        if across < min(_STRIP_WIDTH * depth, _STRIP_FLAT * along) and along > length * (
            _WEDGE_LENGTH if side in cut else _STRIP_LENGTH
        ):
            return True
    # A closing fills the corners of a shadow.
    return bool(sides) and max(piece.width, piece.height) <= 1.3 * closing


def _main_piece(pieces: Sequence[Piece], height: int, width: int) -> Piece:
    main = pieces[0]
    if _touches_rim(main, height, width):
        for piece in pieces[1:]:
            if piece.area < max(_INNER_PIXELS, _INNER_SHARE * main.area):
                break
            if not _touches_rim(piece, height, width):
                return piece
    return main


def _is_rest_of_frame(piece: Piece, height: int, width: int) -> bool:
    # Two sides or more, and nothing between them.
    return (
        _touches_rim(piece, height, width)
        and piece.width >= _FRAME_SPAN * width
        and piece.height >= _FRAME_SPAN * height
        and piece.area <= _FRAME_REST * piece.width * piece.height
    )


def _touches_rim(piece: Piece, height: int, width: int) -> bool:
    return piece.x == 0 or piece.y == 0 or piece.right == width or piece.bottom == height


def _sides_touched(piece: Piece, height: int, width: int) -> Iterator[Side]:
    if piece.x == 0:
        yield Side.LEFT
    if piece.y == 0:
        yield Side.TOP
    if piece.right == width:
        yield Side.RIGHT
    if piece.bottom == height:
        yield Side.BOTTOM


def _has_neighbours(on_rim: Sequence[Piece], main: Piece, height: int, width: int) -> bool:
    sides = (
        [piece for piece in on_rim if piece.x == 0],
        [piece for piece in on_rim if piece.right == width],
    )
    for pieces in sides:
        large = [piece for piece in pieces if piece.area >= _NEIGHBOUR_SPECK * main.area]
        area = sum(piece.area for piece in large)
        if area >= _NEIGHBOUR_AREA * main.area and _extent(large) >= _NEIGHBOUR_SIDE * main.height:
            return True
    ends = [piece for piece in on_rim if piece.x > 0 and piece.right < width]
    return any(
        piece.height >= _NEIGHBOUR_ABOVE_SIDE * main.height
        and piece.area >= _NEIGHBOUR_ABOVE_AREA * main.area
        for piece in ends
    )


def _extent(pieces: Sequence[Piece]) -> int:
    if not pieces:
        return 0
    high = max(piece.bottom for piece in pieces) - min(piece.y for piece in pieces)
    return max(high, *(piece.width for piece in pieces))


def _is_beside(piece: Piece, main: Piece, width: int) -> bool:
    return (
        (piece.x == 0 or piece.right == width)
        and piece.width <= _BESIDE_WIDTH * width
        and piece.height < _BESIDE_HEIGHT * main.height
        and piece.area < _BESIDE_AREA * main.area
    )


def _sides_that_may_cut(main: Piece, height: int, width: int) -> Iterator[Side]:
    across = max(2.0, _CLEAR_OF_OTHER_SIDE * main.width)
    along = max(2.0, _CLEAR_OF_OTHER_SIDE * main.height)
    left, right, top, bottom = main.x, width - main.right, main.y, height - main.bottom
    if left == 0 and right > across:
        yield Side.LEFT
    if right == 0 and left > across:
        yield Side.RIGHT
    if top == 0 and bottom > along:
        yield Side.TOP
    if bottom == 0 and top > along:
        yield Side.BOTTOM
    # A line across a page is no digit that fills its crop.
    if max(height, width) <= _LEAST_PAGE:
        return
    if top == bottom == 0 and min(left, right) > _ROOM_BESIDE_LINE * main.height:
        yield Side.TOP
    if left == right == 0 and min(top, bottom) > _ROOM_BESIDE_LINE * main.width:
        yield Side.LEFT


def _are_side_by_side(pieces: Sequence[Piece], height: int) -> bool:
    high = sorted(piece[1:] for piece in pieces if piece.height >= _HIGH_PIECE * height)
    end = high[0][0] + high[0][2] if high else 0
    for x, _, width, *_ in high[1:]:
        if x >= end:
            return True
        end = max(end, x + width)
    return False


def _are_in_lines(ink: Picture) -> bool:
    # Rows with ink between rows without are a line.
    rows = cv2.reduce(ink, 1, cv2.REDUCE_MAX).ravel()
    if cv2.countNonZero(rows) == len(rows):
        return False
    turns = np.flatnonzero(np.diff(np.concatenate(([0], rows.astype(np.int8), [0]))))
    heights = (turns[1::2] - turns[::2]) / len(rows)
    return bool((heights >= _LOW_LINE).sum() >= _MOST_LINES or (heights >= _HIGH_LINE).sum() >= 2)
