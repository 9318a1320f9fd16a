"""What is counted of requests over the Open Inference Protocol, by a clock of the test's."""

import itertools

import pytest

from models.manifest import PACKAGE_DIRECTORY, load_manifest
from service.inference.engine import Times
from service.v2.schemas import Duration
from service.v2.statistics import StatisticsCollector

CARD, OTHER = load_manifest(PACKAGE_DIRECTORY).models[:2]


def test_before_the_first_request_there_is_nothing():
    report = StatisticsCollector().report(CARD)

    assert report.inference_count == report.execution_count == report.last_inference == 0
    assert report.inference_stats.success == Duration(count=0, ns=0)


def test_each_step_has_its_time():
    statistics = StatisticsCollector(_clock(0, 1000, 5000, 5100))

    for began, images in ((0, 3), (5000, 4)):
        times = Times(began + 10, began + 80, decoding=1, normalising=2, inferring=30)
        with statistics.request(CARD) as progress:
            progress.times, progress.images = times, images

    report = statistics.report(CARD)
    assert report.inference_count == 7
    assert report.execution_count == 2
    assert report.last_inference > 0
    stats = report.inference_stats
    assert stats.success == Duration(count=2, ns=1100)
    assert stats.queue == Duration(count=2, ns=2 * (70 - 33))
    assert stats.compute_input == Duration(count=2, ns=2 * (10 + 3))
    assert stats.compute_infer == Duration(count=2, ns=2 * 30)
    assert stats.compute_output == Duration(count=2, ns=920 + 20)
    assert stats.fail == Duration(count=0, ns=0)


def test_a_request_that_fails_counts_as_such_and_as_nothing_else():
    statistics = StatisticsCollector(_clock(0, 9))

    with pytest.raises(ValueError, match="unreadable"), statistics.request(CARD):
        raise ValueError("unreadable")

    report = statistics.report(CARD)
    assert report.inference_count == 0
    assert report.inference_stats.fail == Duration(count=1, ns=9)
    assert report.inference_stats.success == Duration(count=0, ns=0)
    assert report.inference_stats.compute_input == Duration(count=0, ns=0)


def test_each_model_has_statistics_of_its_own():
    statistics = StatisticsCollector()

    with statistics.request(CARD) as progress:
        progress.times, progress.images = Times(), 1

    assert statistics.report(CARD).inference_count == 1
    assert statistics.report(OTHER).inference_count == 0


def _clock(*times):
    return itertools.chain(times).__next__
