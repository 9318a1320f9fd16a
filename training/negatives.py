"""Written characters that are no digits, which teach a model to say so.

Letters of handwriting fonts and characters of Omniglot's alphabets, bent, drawn in many widths, and
in MNIST's form. Characters that look like a digit are left out. How diverse they are decides what
else a model refuses: Hendrycks, Mazeika and Dietterich, "Deep Anomaly Detection with Outlier
Exposure", ICLR 2019.
"""

import hashlib
import io
import subprocess
import tarfile
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import cv2
import numpy as np
from numpy.typing import NDArray

from models.mnist import DataError, Images
from training.junk import Random, in_box

Page = NDArray[np.uint8]  # [height, width], 255 for ink

OMNIGLOT = Path("omniglot", "omniglot-4-alphabets.npz")
VALIDATION_ALPHABET = "Tagalog"
# By eye, by alphabet and number of the character.
LOOK_ALIKES = {
    "Early_Aramaic": (2, 3, 4, 6, 7, 10, 12, 14, 16, 17, 20),
    "Japanese_(katakana)": (2, 4, 24, 27, 42, 43, 46),
    "Sanskrit": (5, 13, 14, 18, 27, 29, 33, 36, 37),
    "Tagalog": (3, 4, 8, 16),
}

# Handwriting fonts under open licences, npm's packages @fontsource/NAME.
FONTS = (
    *("alex-brush", "annie-use-your-telescope", "architects-daughter", "aref-ruqaa", "bad-script"),
    *("caveat", "cedarville-cursive", "chilanka", "covered-by-your-grace", "dancing-script"),
    *("gaegu", "gloria-hallelujah", "gochi-hand", "great-vibes", "handlee"),
    *("herr-von-muellerhoff", "homemade-apple", "indie-flower", "itim", "kalam", "long-cang"),
    *("ma-shan-zheng", "mansalva", "marck-script", "mr-de-haviland", "nanum-pen-script", "neucha"),
    *("parisienne", "patrick-hand", "permanent-marker", "pinyon-script", "reenie-beanie"),
    *("rock-salt", "sacramento", "schoolbell", "shadows-into-light", "short-stack"),
    *("sriracha", "sue-ellen-francisco", "swanky-and-moo-moo"),
)
VALIDATION_FONTS = ("cedarville-cursive", "indie-flower", "marck-script", "short-stack")
_DIGIT_LIKE = set(
    "BbDGgIiJjlOoQqSsZzyTtßØøÞþðÐđĐłŁĸŋŊªºƒΩµħĦŧŦŉĳĲŀĿ\u0131\u017f"  # a T may be a 7
    "ЁЗзОоБбЧчЭэВвІіЇїЈјЅѕДдГгђћФфЪъЬьЫы"
    "งรวอธจเแใไโาๅอฺ"  # Thai
    "ഠരറദഉഒഓഗശ"  # Malayalam
    "ठडटदइउरगढहवञऽ"
    "اأإآةهوىٮٯدذلر"
    "一乙了丁口日二三十丨丿亠乃工土己已巳四田曰人入八又"
)
_GLYPHS = 120  # of each font: large alphabets are not drawn whole, small ones several times
_GLYPH_SIZE = 96
_PAGE = 160


@dataclass(frozen=True)
class Pictures:
    """Training digits cut out of pages: `images` uint8 [P, 28, 28], `places` in MNIST's order."""

    images: Images
    places: NDArray[np.int64]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `python -m benchmarks.cut_out` writes.

        Raises:
            DataError: the file cannot be read.
        """
        arrays = _arrays(path)
        return cls(arrays["images"], arrays["places"])


def load_negatives(path: Path) -> Images:
    """Read the images that `python -m training negatives` writes, without those for validation.

    Raises:
        DataError: the file cannot be read.
    """
    return _arrays(path)["train"]


def hash_of(images: Images) -> str:
    """Return a hash that identifies these images."""
    return hashlib.sha256(images.tobytes()).hexdigest()[:8]


def _arrays(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        with np.load(path) as file:
            return dict(file)
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read ({error})") from error


def draw_negatives(
    data_dir: Path, fonts_dir: Path, *, copies: int, seed: int
) -> dict[str, Images | NDArray[np.str_]]:
    """Draw each character `copies` times.

    Returns arrays `train`, and for validation `alphabet` and `letters`, uint8 [N, 28, 28], of an
    alphabet and of fonts that are not in `train`.

    Raises:
        DataError: Omniglot or a font cannot be read.
    """
    random = np.random.default_rng(seed)
    drawn: dict[str, list[Images]] = {"train": [], "alphabet": [], "letters": []}
    for name, page in _omniglot(data_dir):
        part = "alphabet" if name.startswith(VALIDATION_ALPHABET) else "train"
        drawn[part] += [_written(page, random, 3.0) for _ in range(copies)]
    for font in FONTS:
        part = "letters" if font in VALIDATION_FONTS else "train"
        for page in _letters(fonts_dir, font, random):
            drawn[part] += [_written(page, random) for _ in range(copies)]
    return {part: np.stack(images) for part, images in drawn.items()}


def fetch_fonts(fonts_dir: Path) -> None:
    """Fetch the fonts with npm, those that are missing.

    Raises:
        DataError: npm is missing or failed.
    """
    fonts_dir.mkdir(parents=True, exist_ok=True)
    for font in FONTS:
        if not list(fonts_dir.glob(f"fontsource-{font}-[0-9]*.tgz")):
            try:
                subprocess.run(  # noqa: S603 - the names are those above
                    ["npm", "pack", "--silent", f"@fontsource/{font}"],  # noqa: S607
                    cwd=fonts_dir,
                    check=True,
                )
            except (OSError, subprocess.CalledProcessError) as error:
                raise DataError(f"@fontsource/{font} could not be fetched ({error})") from error


def _omniglot(data_dir: Path) -> Iterator[tuple[str, Page]]:
    arrays = _arrays(data_dir / OMNIGLOT)
    pages = np.unpackbits(arrays["images"], axis=-1)[..., :105] * np.uint8(255)
    for name, page in zip(arrays["names"].tolist(), pages, strict=True):
        alphabet, character = name.split("/")
        if int(character[-2:]) not in LOOK_ALIKES[alphabet]:
            yield name, page


def _letters(fonts_dir: Path, font: str, random: Random) -> Iterator[Page]:
    from fontTools.ttLib import TTFont  # noqa: PLC0415 - only needed here
    from PIL import Image, ImageDraw, ImageFont  # noqa: PLC0415

    packages = sorted(fonts_dir.glob(f"fontsource-{font}-[0-9]*.tgz"))
    if not packages:
        raise DataError(f"{fonts_dir}: has no fontsource-{font}-*.tgz")
    glyphs: dict[str, ImageFont.FreeTypeFont] = {}
    with tarfile.open(packages[-1]) as package:
        files = [name for name in package.getnames() if name.endswith("-400-normal.woff2")]
        # Chinese and Korean fonts have a hundred files; a few have enough characters.
        few = sorted(random.permutation(len(files))[:6]) if len(files) > 12 else range(len(files))
        for name in (files[place] for place in few):
            if member := package.extractfile(name):
                file = TTFont(io.BytesIO(member.read()))
                characters = [chr(code) for code in file.getBestCmap()]
                file.flavor, plain = None, io.BytesIO()
                file.save(plain)
                plain.seek(0)
                loaded = ImageFont.truetype(plain, _GLYPH_SIZE)
                glyphs |= {each: loaded for each in characters if _is_letter(each)}
    for letter in np.resize(random.permutation(sorted(glyphs)), _GLYPHS):
        page = Image.new("L", (2 * _PAGE, 2 * _PAGE))
        ImageDraw.Draw(page).text((_PAGE // 2, _PAGE // 2), str(letter), 255, glyphs[letter])
        pixels = np.asarray(page)
        if pixels.any():
            yield pixels


def _is_letter(character: str) -> bool:
    has_accent = any(map(unicodedata.combining, unicodedata.normalize("NFKD", character)))
    is_letter = unicodedata.category(character) in {"Lu", "Ll", "Lo"}
    return is_letter and not has_accent and character not in _DIGIT_LIKE


def _written(page: Page, random: Random, stroke: float | None = None) -> Images:
    """Bend, slant and thicken the ink of `page`, and bring it into MNIST's form."""
    x, y, width, height = cv2.boundingRect(page)
    side = max(width, height)
    scale = 100 / side
    angle, slant = random.normal(0, 0.10), random.normal(0, 0.15)
    stretch = np.exp(random.normal(0, 0.12))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    affine = turn @ np.array([[stretch, slant], [0, 1 / stretch]]) * scale
    centre = np.array([x + width / 2, y + height / 2])
    shift = np.array([_PAGE / 2, _PAGE / 2]) - affine @ centre
    ink = cv2.warpAffine(
        page, np.hstack([affine, shift[:, None]]), (_PAGE, _PAGE), flags=cv2.INTER_AREA
    )
    knots = random.normal(0, random.uniform(0, 5.0), (2, 4, 4)).astype(np.float32)
    grid = np.indices((_PAGE, _PAGE), np.float32)
    waves = [cv2.resize(each, (_PAGE, _PAGE), interpolation=cv2.INTER_CUBIC) for each in knots]
    ink = cv2.remap(ink, grid[1] + waves[0], grid[0] + waves[1], cv2.INTER_LINEAR)
    # MNIST's strokes are 1.5 to 4 pixels wide, at a fifth of this size.
    nib = int(random.integers(3, 12) if stroke else random.integers(0, 9))
    if nib > 1:
        ink = cv2.dilate(ink, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (nib, nib)))
    return in_box(cv2.GaussianBlur(ink, (0, 0), 1.5))
