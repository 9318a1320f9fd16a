"""A classifier whose session is of the test's own making."""

import numpy as np

from models.manifest import PACKAGE_DIRECTORY, load_manifest
from service.imaging import Normalised
from service.inference.sessions import Classifier
from service.metrics import Metrics

CARD = load_manifest(PACKAGE_DIRECTORY).models[0]


class RecordingSession:
    """Answers with each image's first pixel as the digit.

    Attributes:
        batches: for every run the first pixels of its images.
    """

    def __init__(self) -> None:
        self.batches: list[list[int]] = []

    def run(self, _outputs, inputs):
        images = inputs["image"]
        self.batches.append([int(image[0, 0]) for image in images])
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


def classifier_of(session, card=CARD, *, largest=64) -> Classifier:
    return Classifier(card, session, largest)


def image(digit: int) -> Normalised:
    """An image that a `RecordingSession` reads as `digit`."""
    return Normalised(np.full((28, 28), digit, np.uint8))


def silent_metrics() -> Metrics:
    """Metrics of nobody else's."""
    return Metrics()
