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
    return next(found for found in (CLEAN, *CONDITIONS) if found.name == name)


def _encode(suffix: str, picture: Picture, options: Sequence[int] = ()) -> bytes:
    if picture.ndim == 3:
        picture = picture[..., ::-1]
    return cv2.imencode(suffix, picture, options)[1].tobytes()


def _drawn(
    change: Callable[[Image, float, Random], Picture], encode: Callable[[Picture], bytes] = png
) -> Callable[[Image, float, Random], bytes]:
    return lambda image, level, random: encode(change(image, level, random))


CLEAN = Condition("clean", (0,), lambda image, level, random: png(image))

# White on black, 28x28, after MNIST-C.
_DISTORTED = (
    Condition("rotation", (10, 20, 30), _drawn(distortions.rotate)),
    Condition("shear", (0.2, 0.4, 0.6), _drawn(distortions.shear)),
    Condition("scale", (0.8, 0.65, 0.5), _drawn(distortions.shrink)),
    Condition("shift", (1, 3, 5), _drawn(distortions.shift)),
    Condition("shot noise", (25, 8, 3), _drawn(distortions.add_shot_noise)),
    Condition("impulse noise", (0.06, 0.12, 0.2), _drawn(distortions.add_impulse_noise)),
    Condition("motion blur", (3, 4.5, 6), _drawn(distortions.blur_by_motion)),
    Condition("glass blur", (1, 2, 3), _drawn(distortions.blur_by_glass)),
    Condition("focus blur", (1, 1.75, 2.5), _drawn(distortions.defocus)),
    Condition("brightness", (0.2, 0.4, 0.6), _drawn(distortions.brighten)),
    Condition("contrast", (0.4, 0.2, 0.1), _drawn(distortions.fade)),
    Condition("fog", (1, 3, 5), _drawn(distortions.add_fog)),
    Condition("stripes", (3, 5, 7), _drawn(distortions.add_stripes)),
    Condition("spatter", (0.05, 0.1, 0.2), _drawn(distortions.add_spatter)),
    Condition("dotted lines", (1, 2, 3), _drawn(distortions.add_dotted_lines)),
    Condition("zigzag", (0.4, 0.7, 1), _drawn(distortions.add_zigzag)),
    Condition("edges only", (0.6, 1, 1.4), _drawn(distortions.keep_edges)),
    Condition("JPEG", (25, 12, 6), lambda image, quality, random: jpeg(image, int(quality))),
)

# Dark ink on paper, larger.
_ON_PAPER = (
    Condition("thin strokes", (1, 0.6, 0.4), _drawn(pages.thinly_written)),
    Condition("thick strokes", (0.8, 1.6, 2.4), _drawn(pages.thickly_written)),
    Condition("pen colours", (0, 0.4, 0.7), _drawn(pages.pen_coloured)),
    Condition("ruled paper", (0.3, 0.6, 1), _drawn(pages.ruled)),
    Condition("grid paper", (0.3, 0.6, 1), _drawn(pages.on_grid)),
    Condition("form box", (3, 2, 1), _drawn(pages.boxed)),
    Condition("security print", (0.3, 0.6, 1), _drawn(pages.security_printed)),
    Condition("shadow", (0.3, 0.5, 0.7), _drawn(pages.shadowed, jpeg)),
    Condition("photo perspective", (0.1, 0.2, 0.3), _drawn(pages.photographed, jpeg)),
    Condition("corner of a page", (0.12, 0.07, 0.04), _drawn(pages.in_corner, jpeg)),
    Condition("scanner border", (1, 2, 3), _drawn(pages.badly_scanned)),
)

# As people crop and scan.
_CROPPED = (
    Condition("dark band", (0.1, 0.25, 0.4), _drawn(crops.beside_band, jpeg)),
    Condition("tight bold crop", (0.04, 0.09, 0.14), _drawn(crops.tightly_cropped, jpeg)),
    Condition("cell lines", (0.4, 0.65, 0.9), _drawn(crops.on_cell_lines, jpeg)),
    Condition("shadow edge", (0.25, 0.45, 0.65), _drawn(crops.across_shadow, jpeg)),
    Condition("1 with a flag", (0.2, 0.35, 0.5), _drawn(crops.flagged_one, jpeg), digit=1),
)

_TO_REVIEW = (
    Condition(
        "rim pair",
        (0.9, 0.6, 0.35),
        _drawn(crops.beside_neighbour, jpeg),
        Expected.REVIEW,
        in_pairs=True,
    ),
    Condition("cut digit", (0.5, 0.35, 0.2), _drawn(crops.cut_by_rim, jpeg), Expected.REVIEW),
)

_BLANK = tuple(
    Condition(f"blank: {name}", levels, _drawn(change, jpeg), Expected.BLANK)
    for name, levels, change in (
        ("paper", (2, 1, 0.5), crops.blank(crops.blurred)),
        ("uneven light", (0.2, 0.35, 0.5), crops.blank(crops.unevenly_lit)),
        ("shadow edge", (0.2, 0.4, 0.6), crops.blank(crops.in_shadow)),
        ("ruled", (0.2, 0.45, 0.7), crops.blank(crops.ruled)),
        ("grid", (0.2, 0.45, 0.7), crops.blank(crops.on_grid)),
        ("form box", (0.3, 0.6, 0.9), crops.blank(crops.boxed)),
        ("dark band", (0.05, 0.15, 0.3), crops.blank(crops.banded)),
        ("specks", (3, 8, 15), crops.blank(crops.speckled)),
        ("grain", (4, 8, 14), crops.grainy_sheet),
        ("stains", (3, 6, 10), crops.blank(crops.stained)),
    )
)

CONDITIONS = (*_DISTORTED, *_ON_PAPER, *_CROPPED, *_TO_REVIEW, *_BLANK)
