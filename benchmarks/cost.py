"""How long one picture takes, step by step."""

import statistics
import time
from collections.abc import Callable

import cv2
import numpy as np

from benchmarks.conditions import jpeg, png
from benchmarks.pages import cover, finished, inked, paper
from benchmarks.reading import Readers
from benchmarks.results import Cost
from models.mnist import Images
from service.imaging import decode, normalise

_ROUNDS = 25
_PHONE_HEIGHT, _PHONE_WIDTH = 4000, 3000
_PHONE_DIGIT = 900  # side in pixels
_INK = (40, 45, 70)


def measure_costs(readers: Readers, images: Images, *, rounds: int = _ROUNDS) -> tuple[Cost, ...]:
    """Time a PNG of 28x28 pixels and a photograph of 12 megapixels, on one thread."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        return (
            _cost("PNG, 28 x 28", png(_off_centre(images[0])), readers, rounds),
            _cost("JPEG, 12 megapixels", _phone_photograph(images[0]), readers, rounds),
        )
    finally:
        cv2.setNumThreads(threads)


def _cost(name: str, file: bytes, readers: Readers, rounds: int) -> Cost:
    max_pixels = next(iter(readers.pipelines.values())).max_pixels
    picture = decode(file, max_pixels=max_pixels)
    image = normalise(picture).image[None]
    return Cost(
        picture=name,
        file_bytes=len(file),
        decode_ms=_median_ms(lambda: decode(file, max_pixels=max_pixels), rounds),
        normalise_ms=_median_ms(lambda: normalise(picture), rounds),
        inference_ms={
            name: _median_ms(lambda run=pipeline.classifier.run: run(image), rounds)
            for name, pipeline in readers.pipelines.items()
        },
    )


def _median_ms(call: Callable[[], object], rounds: int) -> float:
    seconds = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds)


def _off_centre(image: np.ndarray) -> np.ndarray:
    # In MNIST's form already it would be passed through.
    return np.roll(image, (3, 3), (0, 1))


def _phone_photograph(image: np.ndarray) -> bytes:
    random = np.random.default_rng(1)
    page = paper(random, _PHONE_HEIGHT, _PHONE_WIDTH)
    page *= np.linspace(0.6, 1, _PHONE_HEIGHT, dtype=np.float32)[:, None, None]
    window = page[1500 : 1500 + _PHONE_DIGIT, 1000 : 1000 + _PHONE_DIGIT]
    window[:] = inked(window, cover(image, _PHONE_DIGIT), _INK)
    return jpeg(finished(page, random, noise=4))
