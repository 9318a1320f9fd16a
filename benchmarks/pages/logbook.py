"""Logbook pages, simulated: cells in a ruled grid, flat as a scan or bent and photographed."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]  # [height, width]
Random = np.random.Generator

_CELL = (108, 190)  # height and width in pixels, as 200 dpi has 14 x 24 mm
_MARGIN = 90
_JPEG_QUALITY = 85


@dataclass(frozen=True)
class LogbookPage:
    """A page as a JPEG file, and what its cells say, row by row; empty ones None."""

    jpeg: bytes
    written: tuple[tuple[str | None, ...], ...]


def draw_page(
    cells: Sequence[tuple[Grey, str] | None], columns: int, random: Random, *, bent: bool
) -> LogbookPage:
    """Draw `cells`, pictures with what they say, into a ruled grid with so many columns.

    Args:
        cells: row by row; None stays empty.
        columns: columns of the grid.
        random: of lines, paper, light and view.
        bent: bend the page, photograph it at an angle and in uneven light; otherwise scan it.
    """
    rows = len(cells) // columns
    height, width = _CELL
    widths = np.rint(width * random.uniform(0.85, 1.15, columns)).astype(int)
    left = _MARGIN + np.concatenate([[0], np.cumsum(widths)])
    top = _MARGIN + height * np.arange(rows + 1)
    page = np.full((top[-1] + _MARGIN, left[-1] + _MARGIN), 1.0, np.float32)
    tone, thickness = random.uniform(0.35, 0.75), int(random.integers(2, 4))
    for y in map(int, top):
        cv2.line(page, (int(left[0]), y), (int(left[-1]), y), tone, thickness, cv2.LINE_AA)
    for x in map(int, left):
        cv2.line(page, (x, int(top[0])), (x, int(top[-1])), tone, thickness, cv2.LINE_AA)
    for place, cell in enumerate(cells):
        if cell is not None:
            row, column = divmod(place, columns)
            into = page[top[row] : top[row + 1], left[column] : left[column + 1]]
            into *= _laid(cell[0], into.shape[:2])
    if bent:
        page = _photographed(page, random)
    paper = random.uniform(200, 245)
    noisy = page * paper + random.normal(0, 4 if bent else 2, page.shape)
    grey = np.clip(cv2.GaussianBlur(noisy, (0, 0), 0.8), 0, 255).astype(np.uint8)
    jpeg = cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])[1].tobytes()
    texts = [None if cell is None else cell[1] for cell in cells]
    written = tuple(
        tuple(texts[start : start + columns]) for start in range(0, len(texts), columns)
    )
    return LogbookPage(jpeg, written)


def _laid(cell: Grey, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Scale a cell into `shape`, as shares of the paper's light."""
    height, width = shape
    scale = min(0.94 * height / cell.shape[0], 0.94 * width / cell.shape[1])
    size = round(cell.shape[1] * scale), round(cell.shape[0] * scale)
    large = cv2.resize(cell, size, interpolation=cv2.INTER_CUBIC).astype(np.float32)
    paper = cv2.GaussianBlur(cv2.dilate(large, np.ones((25, 25))), (0, 0), 12)
    share = np.clip(large / np.maximum(paper, 1), 0, 1)
    share = np.where(share > 0.9, 1, share)  # no edge where the paper of the cell ends
    laid = np.ones(shape, np.float32)
    y, x = (height - size[1]) // 2, (width - size[0]) // 2
    laid[y : y + size[1], x : x + size[0]] = share
    return laid


def _photographed(page: NDArray[np.float32], random: Random) -> NDArray[np.float32]:
    height, width = page.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    bend = random.uniform(-0.012, 0.012) * height
    across = random.uniform(-0.006, 0.006) * width
    page = cv2.remap(
        page,
        x + across * np.sin(np.pi * y / height),
        y + bend * np.sin(np.pi * x / width * random.uniform(0.8, 1.6)),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )
    corners = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    inward = np.array([(1, 1), (-1, 1), (-1, -1), (1, -1)], np.float32)
    moved = corners + inward * (random.uniform(0, 0.09, (4, 2)) * (width, height))
    view = cv2.getPerspectiveTransform(corners, moved.astype(np.float32))
    page = cv2.warpPerspective(page, view, (width, height), borderValue=0.35)
    light = np.linspace(1, random.uniform(0.6, 1), width)[None] * np.linspace(
        random.uniform(0.7, 1), 1, height
    ).reshape(-1, 1)
    return (page * light).astype(np.float32)
