"""1,000 MNIST test images over HTTP are read as well as by the ONNX files themselves."""

import cv2
import httpx
import numpy as np
import pytest

from models.manifest import PACKAGE_DIRECTORY, load_manifest
from models.mnist import Digits
from service.inference.sessions import open_classifier
from tests.mnist import find_mnist

CARDS = load_manifest(PACKAGE_DIRECTORY).models
IMAGES = 1_000
TOLERANCE = 0.003


@pytest.fixture(scope="module")
def digits() -> Digits:
    return find_mnist()[:IMAGES]


@pytest.fixture(scope="module")
def pictures(digits) -> list[bytes]:
    return [cv2.imencode(".png", image)[1].tobytes() for image in digits.images]


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_preprocess_none_gives_the_labels_of_the_onnx_file(server, card, digits, pictures):
    np.testing.assert_array_equal(_over_http(server, card, pictures, "none"), _direct(card, digits))


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.name)
def test_preprocess_auto_keeps_the_accuracy(server, card, digits, pictures):
    over_http = _over_http(server, card, pictures, "auto")

    difference = np.mean(over_http == digits.labels) - np.mean(
        _direct(card, digits) == digits.labels
    )
    assert abs(difference) <= TOLERANCE


def _over_http(server, card, pictures, preprocess):
    digits = []
    for start in range(0, IMAGES, 100):
        files = [("files", picture) for picture in pictures[start : start + 100]]
        answer = httpx.post(
            f"{server}/predict/batch",
            params={"model": card.name, "preprocess": preprocess},
            files=files,
        )
        digits += [item["digit"] for item in answer.json()["predictions"]]
    return np.array([-1 if digit is None else digit for digit in digits])


def _direct(card, digits):
    classifier = open_classifier(PACKAGE_DIRECTORY, card)
    parts = [classifier.run(digits.images[start : start + 50]) for start in range(0, IMAGES, 50)]
    return np.concatenate([part.probabilities.argmax(axis=1) for part in parts])
