"""The confidence of a whole strip."""

import numpy as np
import pytest

from models.fields.confidence import confidences, features
from models.fields.decode import Hypothesis
from models.fields.steps import Step
from models.reader_card import ConfidenceRule
from models.strips import CLASSES

RULE = ConfidenceRule(intercept=0.0, probability=1.0, margin=0.5, weakest=0.2)


def hypothesis(text, probability, digits=0.9):
    steps = [Step(place, 1 - digits, (digits,) * 10) for place in range(len(text))]
    return Hypothesis(text, probability, np.zeros((len(text), CLASSES), np.float32), steps)


def test_nothing_read_has_no_confidence():
    assert confidences([], RULE) == []


def test_a_likelier_text_is_more_certain():
    less, more = (confidences([hypothesis("18", p)], RULE)[0] for p in (0.9, 0.99))
    assert less < more < 1


def test_a_close_second_lowers_the_confidence():
    alone = [hypothesis("18", 0.6)]
    beside = [*alone, hypothesis("13", 0.35)]
    assert confidences(beside, RULE)[0] < confidences(alone, RULE)[0]


def test_alternatives_share_what_the_best_leaves():
    found = confidences([hypothesis("18", 0.7), hypothesis("13", 0.2), hypothesis("1", 0.1)], RULE)
    assert found == sorted(found, reverse=True)
    assert sum(found) == pytest.approx(1)


def test_an_empty_strip_has_features_too():
    assert features([hypothesis("", 0.5)]).weakest == pytest.approx(0)


def test_certainty_stays_finite():
    assert 0.5 < confidences([hypothesis("1", 1.0, 1.0)], RULE)[0] < 1
