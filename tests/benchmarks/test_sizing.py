"""Sizing: what is reckoned from recorded figures, and that the page says it."""

from pathlib import Path

import pytest

from benchmarks.exchanged import Exchange
from benchmarks.marked import fill
from benchmarks.queueing.arrivals import Bursts
from benchmarks.queueing.cores import workers_for
from benchmarks.queueing.simulation import Cost, Policy
from benchmarks.sizing import report
from benchmarks.sizing.plans import plan
from benchmarks.sizing.recorded import recorded

DOCS = Path(__file__).parents[2] / "docs"
PICTURE = Exchange(request=1000, answer=3000, row=100)


def test_a_plan_has_twice_the_cores_that_are_busy():
    found = plan(1000, 100, PICTURE, scaling=0.8)

    assert found.busy == pytest.approx(12.5)
    assert (found.cores, found.machines) == (25, 1)
    assert found.memory_gib == (25 * 512 + 256) / 1024
    assert found.disk_bytes == 100_000


def test_a_small_load_takes_one_core():
    assert plan(1, 1000, PICTURE).cores == 1


def test_packets_are_counted_with_what_acknowledges_them():
    # One segment there and three back, and as many acknowledgements.
    assert PICTURE.packets == 2 * (1 + 3)
    assert PICTURE.in_bytes > PICTURE.request


def test_the_page_says_what_the_benchmarks_recorded():
    found = recorded(DOCS)
    page = (DOCS / "sizing.md").read_text()

    for table in (report.rates(found), report.steps(found)):
        assert "\n".join(table) in page


def test_the_steps_of_an_image_add_up_to_what_it_takes():
    found = recorded(DOCS)

    for model, each in found.steps.items():
        total = each.http + each.decode + each.model + each.rest
        assert total == pytest.approx(1e6 / found.rates["single, PNG"][model])
        assert min(each.http, each.decode, each.model, each.rest) > 0


def test_ink_on_paper_costs_more_than_reading_what_is_clean():
    found = recorded(DOCS)

    assert found.ink > 10 * 1e-6 * found.steps["cnn"].decode


def test_a_table_takes_the_place_between_its_marks(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("above\n<!-- a: by hand -->\nold\n<!-- /a -->\nbelow\n")

    for line in ("new", "newer"):
        fill(page, {"a": [line]})

    assert page.read_text() == "above\n<!-- a: by hand -->\nnewer\n<!-- /a -->\nbelow\n"


def test_a_page_without_the_marks_is_told(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("nothing")

    with pytest.raises(ValueError, match="has no marks"):
        fill(page, {"a": ["line"]})


def test_workers_are_as_few_as_keep_the_bound():
    load, cost = Bursts(400, 800, every=5, lasts=1), Cost(batch=0.0, request=0.01)

    found = workers_for(load, cost, Policy(), bound=0.1, seed=1)

    # 4.8 cores are busy in the mean and 8 in a burst, during which any queue grows.
    assert 8 <= found <= 16
    assert workers_for(load, cost, Policy(), bound=0.5, seed=1) < found


def test_no_number_of_workers_makes_a_lone_request_quicker():
    cost = Cost(batch=0.0, request=1.0)

    assert workers_for(Bursts.steady(2), cost, Policy(), bound=0.5, seed=1) is None
