"""Material from this machine: letters in its fonts, photographs, digits of other data sets."""

import string
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import font_manager
from matplotlib.cbook import get_sample_data
from matplotlib.ft2font import FT2Font
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_digits, load_sample_images

from benchmarks.robustness.conditions import png
from training.reader.amounts import load_amounts

LETTERS = "AEFHKMNPRVWXadehkmnvwx"

# Letters that may be written like a digit.
DIGIT_LIKE = "".join(text for text in string.ascii_letters if text not in LETTERS)

_SIXTEEN_LEVELS = 255 / 16

Photograph = NDArray[np.uint8]  # [height, width, 3]


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


@cache
def photographs() -> tuple[Photograph, ...]:
    """Return the sample photographs of Matplotlib and scikit-learn."""
    with get_sample_data("grace_hopper.jpg") as file, Image.open(file) as image:
        return (np.asarray(image.convert("RGB")), *load_sample_images().images)


def scikit_learn_digits(_: Path) -> Labelled:
    """Return the 1,797 digits of 8x8 pixels that scikit-learn ships, white on black."""
    found = load_digits()
    images = np.rint(found.images * _SIXTEEN_LEVELS).astype(np.uint8)
    return Labelled([png(image) for image in images], found.target.astype(np.uint8))


def cheque_digits(data_dir: Path) -> Labelled:
    """Cut the single digits out of the amounts of ORAND-CAR-A in `data_dir`, by their boxes.

    Raises:
        DataError: the data set or one of its images is missing.
    """
    amounts = load_amounts(data_dir)
    pictures = [
        png(amount.grey[max(box.y, 0) : box.y + box.height, max(box.x, 0) : box.right])
        for amount in amounts
        for box in amount.boxes
    ]
    labels = [int(digit) for amount in amounts for digit in amount.digits]
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
