"""What is counted of requests over the Open Inference Protocol, by a clock of the test's."""

import itertools

import pytest

from models.manifest import PACKAGE_DIRECTORY, load_manifest
from service.api.v2.answer_schemas import Duration
from service.api.v2.statistics import StatisticsBook

CARD, OTHER = load_manifest(PACKAGE_DIRECTORY).models[:2]


def test_before_the_first_request_there_is_nothing():
    report = StatisticsBook().report(CARD)

    assert report.inference_count == report.execution_count == report.last_inference == 0
    assert report.inference_stats.success == Duration(count=0, ns=0)


def test_each_step_has_its_time():
    book = StatisticsBook(_clock(0, 10, 110, 1110, 0, 1, 3, 7))

    for images in (3, 4):
        with book.request(CARD) as progress:
            progress.note_prepared()
            progress.note_inferred(images)

    report = book.report(CARD)
    assert report.inference_count == 7
    assert report.execution_count == 2
    assert report.last_inference > 0
    stats = report.inference_stats
    assert stats.success == Duration(count=2, ns=1117)
    assert stats.compute_input == Duration(count=2, ns=11)
    assert stats.compute_infer == Duration(count=2, ns=102)
    assert stats.compute_output == Duration(count=2, ns=1004)
    assert stats.fail == Duration(count=0, ns=0)


def test_a_request_that_fails_counts_as_such_and_as_nothing_else():
    book = StatisticsBook(_clock(0, 9))

    with pytest.raises(ValueError, match="unreadable"), book.request(CARD):
        raise ValueError("unreadable")

    report = book.report(CARD)
    assert report.inference_count == 0
    assert report.inference_stats.fail == Duration(count=1, ns=9)
    assert report.inference_stats.success == Duration(count=0, ns=0)
    assert report.inference_stats.compute_input == Duration(count=0, ns=0)


def test_each_model_has_statistics_of_its_own():
    book = StatisticsBook(_clock(0, 1, 2, 3))

    with book.request(CARD) as progress:
        progress.note_prepared()
        progress.note_inferred(1)

    assert book.report(CARD).inference_count == 1
    assert book.report(OTHER).inference_count == 0


def _clock(*times):
    return itertools.chain(times).__next__
