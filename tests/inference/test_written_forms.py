"""The table of written amounts, from strips composed of MNIST's digits to values."""

import re

import cv2
import numpy as np
import pytest

from models.fields.formats import Notation
from models.manifest import PACKAGE_DIRECTORY
from models.mnist import TRAIN, load_part
from service.inference.catalogue import load_catalogue
from service.inference.fields import FieldOptions
from tests.mnist import find_folder
from tests.models.test_formats import AMOUNTS

ink = pytest.importorskip("training.reader.ink")
line = pytest.importorskip("training.reader.line")

FORMS = [*re.findall(r"(\S+) -> (\S+)", AMOUNTS), ("125 75/100", "125.75")]
_HANDS = 5
_LEAST_RIGHT = 0.8


@pytest.fixture(scope="module")
def pipeline():
    options = FieldOptions(notation=Notation("amount"))
    return load_catalogue(PACKAGE_DIRECTORY).fields(options, max_error=0.005, max_pixels=10**7)


@pytest.fixture(scope="module")
def glyphs():
    folder = find_folder(TRAIN)
    if folder is None:
        pytest.skip("the digits are taken from MNIST's own files")
    return line.Glyphs.of(load_part(folder, TRAIN), ink.RealDigits(((),) * 10))


def test_written_amounts_are_read_and_none_is_accepted_wrongly(pipeline, glyphs):
    random = np.random.default_rng(20)
    forms = _HANDS * FORMS

    answers = [
        reading.answer for reading in pipeline.read([_strip(w, glyphs, random) for w, _ in forms])
    ]

    found = [
        (written, value, answer.raw, str(answer.value), answer.decision)
        for (written, value), answer in zip(forms, answers, strict=True)
    ]
    wrong = [each for each in found if each[1] != each[3]]
    assert [each for each in wrong if each[4] == "accept"] == []
    assert len(wrong) <= (1 - _LEAST_RIGHT) * len(found), wrong


def _strip(written, glyphs, random):
    height = 56
    page = line.write(written, line.tidy_hand(height, random), height, glyphs, random)
    return cv2.imencode(".png", (235 - 0.75 * page).astype(np.uint8))[1].tobytes()
