"""Models whose sessions the test controls."""

import threading
import time

import numpy as np

from models.manifest import PACKAGE_DIRECTORY, load_manifest
from models.strips import CLASSES, STRIDE
from service.imaging import Normalised
from service.inference.sessions import Classifier
from service.metrics import Metrics

CARD = load_manifest(PACKAGE_DIRECTORY).models[0]


class RecordingSession:
    """Answers with each image's first pixel as the digit, once `may_run` is set.

    Attributes:
        batches: for every run the first pixels of its images.
        may_run: set, unless a test clears it.
    """

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.may_run = threading.Event()
        self.may_run.set()

    def run(self, _outputs, inputs):
        images = inputs["image"]
        self.batches.append([int(image[0, 0]) for image in images])
        assert self.may_run.wait(60)
        probabilities = np.zeros((len(images), 10), np.float32)
        for row, image in zip(probabilities, images, strict=True):
            row[image[0, 0]] = 1.0
        return probabilities * 10, probabilities


class FailingSession:
    """Raises `error` at every run."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    def run(self, _outputs, _inputs):
        raise self._error


class SevenSession:
    """Reads a seven in every strip, and takes `seconds` for each.

    Attributes:
        shapes: the shapes of the strips of every run.
    """

    def __init__(self, seconds: float = 0.0) -> None:
        self.shapes: list[tuple[int, ...]] = []
        self._seconds = seconds

    def run(self, _outputs, inputs):
        image = inputs["image"]
        self.shapes.append(image.shape)
        time.sleep(len(image) * self._seconds)
        scores = np.full((len(image), image.shape[2] // STRIDE, CLASSES), -30.0, np.float32)
        scores[:, :, 0] = 0.0
        scores[:, 0] = -30.0
        scores[:, 0, 8] = 0.0
        return [scores]


def classifier_of(session, card=CARD) -> Classifier:
    return Classifier(card, session)


def image(digit: int) -> Normalised:
    """An image that a `RecordingSession` reads as `digit`."""
    return Normalised(np.full((28, 28), digit, np.uint8))


def silent_metrics() -> Metrics:
    """Metrics of a registry of their own."""
    return Metrics()
