"""Letters in the fonts that Matplotlib ships and this machine has."""

import string
from functools import cache
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import font_manager
from matplotlib.ft2font import FT2Font
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

LETTERS = "AEFHKMNPRVWXadehkmnvwx"

# What a hand may mean as a digit, or a digit may look like.
DIGIT_LIKE = "".join(text for text in string.ascii_letters if text not in LETTERS)


def letter(side: int, random: np.random.Generator, letters: str = LETTERS) -> NDArray[np.float32]:
    """One of `letters`, [side, side] from 0 (paper) to 1 (ink), about 20 / 28 high or wide."""
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
    """The TrueType files that hold every letter, one of each name, in the order of their names."""
    shipped = Path(mpl.get_data_path(), "fonts", "ttf").glob("*.ttf")
    installed = map(Path, font_manager.findSystemFonts(fontext="ttf"))
    by_name = {path.name: path for path in (*installed, *shipped)}
    return tuple(by_name[name] for name in sorted(by_name) if _holds_letters(by_name[name]))


def _holds_letters(path: Path) -> bool:
    try:
        font = FT2Font(path)
    except (RuntimeError, OSError):
        return False
    # TeX's symbol fonts have something else at the letters' places.
    glyphs = font.get_charmap()
    return all(
        ord(text) in glyphs and font.get_glyph_name(glyphs[ord(text)]) == text
        for text in string.ascii_letters
    )
