"""A classifier whose session is in the test's hands."""

import threading

import numpy as np

from models.manifest import PACKAGE_DIRECTORY, load_manifest
from service.inference.sessions import Classifier

CARD = load_manifest(PACKAGE_DIRECTORY).models[0]


class HeldSession:
    """Answers with each image's first pixel as the digit, once it is let go.

    Attributes:
        batches: for every run the first pixels of its images.
        running: set while a run is held or done.
    """

    def __init__(self, *, held: bool = False) -> None:
        self.batches: list[list[int]] = []
        self.running = threading.Event()
        self._go = threading.Event()
        if not held:
            self._go.set()

    def run(self, _outputs, inputs):
        images = inputs["image"]
        self.batches.append([int(image[0, 0]) for image in images])
        self.running.set()
        assert self._go.wait(60)
        probabilities = np.zeros((len(images), 10), np.float32)
        for row, image in zip(probabilities, images, strict=True):
            row[image[0, 0]] = 1.0
        return probabilities * 10, probabilities

    def let_go(self) -> None:
        self._go.set()


class FailingSession:
    """Raises `error` at every run."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def run(self, _outputs, _inputs):
        raise self._error


def classifier_of(session, card=CARD) -> Classifier:
    return Classifier(card, session)


def image(digit: int) -> np.ndarray:
    """One image, uint8 [1, 28, 28], that a `HeldSession` reads as `digit`."""
    return np.full((1, 28, 28), digit, np.uint8)
