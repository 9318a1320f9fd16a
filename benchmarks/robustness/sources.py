"""Material from this machine: letters in its fonts, photographs, digits of other data sets."""

import csv
import string
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import matplotlib as mpl
import numpy as np
from matplotlib import font_manager
from matplotlib.cbook import get_sample_data
from matplotlib.ft2font import FT2Font
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from benchmarks.robustness.conditions import png

LETTERS = "AEFHKMNPRVWXadehkmnvwx"

# Letters that may be written like a digit.
DIGIT_LIKE = "".join(text for text in string.ascii_letters if text not in LETTERS)

_SIXTEEN_LEVELS = 255 / 16

Photograph = NDArray[np.uint8]  # [height, width, 3]


class MissingData(Exception):
    """A data set is missing or incomplete; the message says what to get."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Picture files and their digits, uint8 [N]."""

    pictures: list[bytes]
    labels: NDArray[np.uint8]


def letter(side: int, random: np.random.Generator, letters: str = LETTERS) -> NDArray[np.float32]:
    """Draw one of `letters`, [side, side] from 0 (paper) to 1 (ink), about 20/28 high or wide."""
    fonts = usable_fonts()
    font = ImageFont.truetype(fonts[random.integers(len(fonts))], side)
    text = letters[random.integers(len(letters))]
    left, top, right, bottom = font.getbbox(text)
    font = font.font_variant(size=side * side * 20 / 28 / max(right - left, bottom - top))
    left, top, right, bottom = font.getbbox(text)
    page = Image.new("L", (side, side))
    origin = ((side - left - right) / 2, (side - top - bottom) / 2)
    ImageDraw.Draw(page).text(origin, text, 255, font)
    return np.asarray(page, np.float32) / 255


@cache
def usable_fonts() -> tuple[Path, ...]:
    """Return the TrueType files with all letters, of Matplotlib and this machine, by file name."""
    shipped = Path(mpl.get_data_path(), "fonts", "ttf").glob("*.ttf")
    installed = map(Path, font_manager.findSystemFonts(fontext="ttf"))
    by_name = {path.name: path for path in (*installed, *shipped)}
    return tuple(by_name[name] for name in sorted(by_name) if _has_letters(by_name[name]))


def photograph_crop(random: np.random.Generator) -> Photograph:
    """Cut a square of 60 to 300 pixels out of one of the photographs."""
    found = photographs()
    photograph = found[random.integers(len(found))]
    side = int(random.integers(60, 300))
    height, width = photograph.shape[:2]
    top, left = random.integers(height - side), random.integers(width - side)
    return photograph[top : top + side, left : left + side]


@cache
def photographs() -> tuple[Photograph, ...]:
    """Return Matplotlib's sample photograph, and scikit-learn's where it is installed."""
    with get_sample_data("grace_hopper.jpg") as file, Image.open(file) as image:
        portrait = np.asarray(image.convert("RGB"))
    try:
        from sklearn.datasets import load_sample_images  # noqa: PLC0415 - optional
    except ImportError:
        return (portrait,)
    return (portrait, *load_sample_images().images)


def scikit_learn_digits(_: Path) -> Labelled:
    """Return the 1,797 digits of 8x8 pixels that scikit-learn ships, white on black.

    Raises:
        MissingData: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits  # noqa: PLC0415 - optional
    except ImportError as error:
        raise MissingData('scikit-learn is not installed: "pip install scikit-learn"') from error
    found = load_digits()
    images = np.rint(found.images * _SIXTEEN_LEVELS).astype(np.uint8)
    return Labelled([png(image) for image in images], found.target.astype(np.uint8))


def cheque_digits(data_dir: Path) -> Labelled:
    """Cut the single digits out of the amounts in `data_dir`/orand-car-a, by their boxes.

    Raises:
        MissingData: the folder or one of its images is missing.
    """
    folder = data_dir / "orand-car-a"
    table = folder / "labels.csv"
    if not table.is_file():
        raise MissingData(f"{table} is not there: get ORAND-CAR-A, ICFHR 2014")
    pictures, labels = [], []
    with table.open(newline="") as lines:
        for line in csv.DictReader(lines):
            path = folder / "images" / line["file"]
            strip = cv2.imread(str(path), cv2.IMREAD_COLOR_RGB)
            if strip is None:
                raise MissingData(f"{path} is missing or no picture: get ORAND-CAR-A again")
            boxes = [tuple(map(int, box.split(","))) for box in line["boxes_xywh"].split(";")]
            for digit, (x, y, width, height) in zip(line["digits"], boxes, strict=True):
                pictures.append(png(strip[max(y, 0) : y + height, max(x, 0) : x + width]))
                labels.append(int(digit))
    return Labelled(pictures, np.array(labels, np.uint8))


OTHER_DIGITS: dict[str, Callable[[Path], Labelled]] = {
    "scikit-learn digits": scikit_learn_digits,
    "ORAND-CAR-A digits": cheque_digits,
}


def _has_letters(path: Path) -> bool:
    try:
        font = FT2Font(path)
    except (RuntimeError, OSError):
        return False
    # TeX's symbol fonts have other glyphs at the letters' codes.
    glyphs = font.get_charmap()
    return all(
        ord(text) in glyphs and font.get_glyph_name(glyphs[ord(text)]) == text
        for text in string.ascii_letters
    )
