"""The command `python -m benchmarks.cut_out`: training digits as the service cuts them from pages.

The service's imaging is not in reach of `training`, and its mistakes are what a model should see:
crumbs of a printed line, lost ends of strokes, a digit too small in its box.
"""

from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from models.mnist import TRAIN, load_part
from service.imaging import UnreadableImage, decode, normalise
from training.augment import Augmentation, warp
from training.reader.paper import paper, rule

Random = np.random.Generator
Picture = NDArray[np.uint8]

_SHAPES = Augmentation(rotation=8, scale=0.05, stretch=0.05, shear=0.12, elastic=0.4)
_MOST_PIXELS = 1_000_000


def cut_out(
    output: Annotated[Path, typer.Argument(metavar="FILE", help="NPZ file to write.")],
    data_dir: Annotated[
        Path, typer.Option(envvar="NUMERAL_DATA", help="Directory with MNIST's IDX files.")
    ],
    count: Annotated[int, typer.Option(min=1, help="Number of digits.")] = 20_000,
    seed: Annotated[int, typer.Option(help="Seed of choice and pages.")] = 1,
) -> None:
    """Write training digits on pages, and read them as the service does up to the model."""
    random = np.random.default_rng(seed)
    digits = load_part(data_dir, TRAIN)
    places = np.sort(random.permutation(len(digits))[:count])
    images, kept = [], []
    for place, digit in zip(places, warp(digits.images[places], _SHAPES, random), strict=True):
        try:
            found = normalise(decode(page(digit, random), max_pixels=_MOST_PIXELS))
        except UnreadableImage:
            continue
        if not (found.blank or found.several):
            images.append(found.image)
            kept.append(place)
    np.savez(output, images=np.stack(images), places=np.array(kept))
    typer.echo(f"{output}: {len(kept):,} of {count:,} digits")


def page(digit: Picture, random: Random) -> bytes:
    """Write `digit`, uint8 [28, 28], white on black, on paper; return a PNG or JPEG file."""
    x, y, width, height = cv2.boundingRect(digit)
    size = int(random.integers(18, 90))
    scale = size / max(width, height)
    soft = cv2.resize(
        digit[y : y + height, x : x + width],
        None,
        fx=scale,
        fy=scale,
        interpolation=cv2.INTER_CUBIC,
    )
    margins = random.integers(1, max(3, size), 4)
    if random.random() < 0.3:
        margins = np.maximum(1, margins // 6)
    cover = cv2.copyMakeBorder(soft, *margins.tolist(), cv2.BORDER_CONSTANT) / 255
    sheet = paper(*cover.shape, (), random)
    if random.random() < 0.35:
        rule(sheet, random)
    ink = float(np.median(sheet)) * random.uniform(0.05, 0.6)
    written = sheet * (1 - cover) + ink * cover
    written += random.normal(0, random.uniform(0, 7), written.shape)
    if random.random() < 0.4:
        written = cv2.GaussianBlur(written, (0, 0), random.uniform(0.3, 1.0))
    grey = np.clip(written, 0, 255).astype(np.uint8)
    if random.random() < 0.5:
        return cv2.imencode(".png", grey)[1].tobytes()
    options = [cv2.IMWRITE_JPEG_QUALITY, int(random.integers(40, 95))]
    return cv2.imencode(".jpg", grey, options)[1].tobytes()


if __name__ == "__main__":
    typer.run(cut_out)
