"""The conditions under which digits are read, each at three severities."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.robustness import crops, distortions, pages
from benchmarks.robustness.distortions import Image, Random
from benchmarks.robustness.results import Expected
from models.mnist import Images

Picture = NDArray[np.uint8]  # [height, width] or [height, width, 3] (red, green, blue)

SEVERITIES = 3
_GOOD_JPEG = 90


@dataclass(frozen=True)
class Condition:
    """A difference between pictures of digits and MNIST.

    Attributes:
        name: key in the results.
        levels: from mild to severe, in the unit of `render`.
        render: makes the picture file of one digit.
        expected: what the service should answer.
        digit: the digit that every picture shows; None for that of the image.
        in_pairs: `render` takes two digits side by side; the first is the one to read.
    """

    name: str
    levels: tuple[float, ...]
    render: Callable[[Image, float, Random], bytes]
    expected: Expected = Expected.DIGIT
    digit: int | None = None
    in_pairs: bool = False

    def pictures(self, images: Images, severity: int, *, seed: int) -> list[bytes]:
        """Render `images` [N, 28, 28] at `severity`, from 1; the seed determines the files."""
        level = self.levels[severity - 1]
        if self.in_pairs:
            images = np.concatenate((images, np.roll(images, 1, axis=0)), axis=2)
        key = [seed, zlib.crc32(self.name.encode()), severity]
        return [
            self.render(image, level, np.random.default_rng([*key, index]))
            for index, image in enumerate(images)
        ]


def png(picture: Picture) -> bytes:
    """Encode `picture` as a PNG file."""
    return _encode(".png", picture)


def jpeg(picture: Picture, quality: int = _GOOD_JPEG) -> bytes:
    """Encode `picture` as a JPEG file."""
    return _encode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])


def condition(name: str) -> Condition:
    """Return the condition `name`."""
    return next(found for found in CONDITIONS if found.name == name)


def _encode(suffix: str, picture: Picture, options: Sequence[int] = ()) -> bytes:
    if picture.ndim == 3:
        picture = picture[..., ::-1]
    return cv2.imencode(suffix, picture, options)[1].tobytes()


def _as_png(change: Callable[[Image, float, Random], Picture]) -> Callable[..., bytes]:
    return lambda image, level, random: png(change(image, level, random))


def _as_jpeg(change: Callable[[Image, float, Random], Picture]) -> Callable[..., bytes]:
    return lambda image, level, random: jpeg(change(image, level, random))


CLEAN = Condition("clean", (0,), lambda image, level, random: png(image))

# White on black, 28x28, after MNIST-C.
_DISTORTED = (
    Condition("rotation", (10, 20, 30), _as_png(distortions.rotate)),
    Condition("shear", (0.2, 0.4, 0.6), _as_png(distortions.shear)),
    Condition("scale", (0.8, 0.65, 0.5), _as_png(distortions.shrink)),
    Condition("shift", (1, 3, 5), _as_png(distortions.shift)),
    Condition("shot noise", (25, 8, 3), _as_png(distortions.add_shot_noise)),
    Condition("impulse noise", (0.06, 0.12, 0.2), _as_png(distortions.add_impulse_noise)),
    Condition("motion blur", (3, 4.5, 6), _as_png(distortions.blur_by_motion)),
    Condition("glass blur", (1, 2, 3), _as_png(distortions.blur_by_glass)),
    Condition("focus blur", (1, 1.75, 2.5), _as_png(distortions.defocus)),
    Condition("brightness", (0.2, 0.4, 0.6), _as_png(distortions.brighten)),
    Condition("contrast", (0.4, 0.2, 0.1), _as_png(distortions.fade)),
    Condition("fog", (1, 3, 5), _as_png(distortions.add_fog)),
    Condition("stripes", (3, 5, 7), _as_png(distortions.add_stripes)),
    Condition("spatter", (0.05, 0.1, 0.2), _as_png(distortions.add_spatter)),
    Condition("dotted lines", (1, 2, 3), _as_png(distortions.add_dotted_lines)),
    Condition("zigzag", (0.4, 0.7, 1), _as_png(distortions.add_zigzag)),
    Condition("edges only", (0.6, 1, 1.4), _as_png(distortions.keep_edges)),
    Condition("JPEG", (25, 12, 6), lambda image, quality, random: jpeg(image, int(quality))),
)

# Dark ink on paper, larger.
_ON_PAPER = (
    Condition("thin strokes", (1, 0.6, 0.4), _as_png(pages.thinly_written)),
    Condition("thick strokes", (0.8, 1.6, 2.4), _as_png(pages.thickly_written)),
    Condition("pen colours", (0, 0.4, 0.7), _as_png(pages.pen_coloured)),
    Condition("ruled paper", (0.3, 0.6, 1), _as_png(pages.ruled)),
    Condition("grid paper", (0.3, 0.6, 1), _as_png(pages.on_grid)),
    Condition("form box", (3, 2, 1), _as_png(pages.boxed)),
    Condition("security print", (0.3, 0.6, 1), _as_png(pages.security_printed)),
    Condition("shadow", (0.3, 0.5, 0.7), _as_jpeg(pages.shadowed)),
    Condition("photo perspective", (0.1, 0.2, 0.3), _as_jpeg(pages.photographed)),
    Condition("corner of a page", (0.12, 0.07, 0.04), _as_jpeg(pages.in_corner)),
    Condition("scanner border", (1, 2, 3), _as_png(pages.badly_scanned)),
)

# As people crop and scan.
_CROPPED = (
    Condition("dark band", (0.1, 0.25, 0.4), _as_jpeg(crops.beside_band)),
    Condition("tight bold crop", (0.04, 0.09, 0.14), _as_jpeg(crops.tightly_cropped)),
    Condition("cell lines", (0.4, 0.65, 0.9), _as_jpeg(crops.on_cell_lines)),
    Condition("shadow edge", (0.25, 0.45, 0.65), _as_jpeg(crops.across_shadow)),
    Condition("1 with a flag", (0.2, 0.35, 0.5), _as_jpeg(crops.flagged_one), digit=1),
)

_NEIGHBOUR, _CUT = _as_jpeg(crops.beside_neighbour), _as_jpeg(crops.cut_by_rim)
_TO_REVIEW = (
    Condition("rim pair", (0.9, 0.6, 0.35), _NEIGHBOUR, Expected.REVIEW, in_pairs=True),
    Condition("cut digit", (0.5, 0.35, 0.2), _CUT, Expected.REVIEW),
)

_BLANK = tuple(
    Condition(f"blank: {name}", levels, _as_jpeg(change), Expected.BLANK)
    for name, levels, change in (
        ("paper", (2, 1, 0.5), crops.empty_sheet),
        ("uneven light", (0.2, 0.35, 0.5), crops.unevenly_lit),
        ("shadow edge", (0.2, 0.4, 0.6), crops.in_shadow),
        ("ruled", (0.2, 0.45, 0.7), crops.ruled_sheet),
        ("grid", (0.2, 0.45, 0.7), crops.grid_sheet),
        ("form box", (0.3, 0.6, 0.9), crops.empty_box),
        ("dark band", (0.05, 0.15, 0.3), crops.banded_sheet),
        ("specks", (3, 8, 15), crops.speckled_sheet),
        ("grain", (4, 8, 14), crops.grainy_sheet),
        ("stains", (3, 6, 10), crops.stained_sheet),
    )
)

CONDITIONS = (*_DISTORTED, *_ON_PAPER, *_CROPPED, *_TO_REVIEW, *_BLANK)
