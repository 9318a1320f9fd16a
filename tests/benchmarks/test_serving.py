"""The serving benchmark: what is sent, what wrk prints, medians, ratios, the report."""

import json
import os
import subprocess
import sys
import uuid

import cv2
import numpy as np
import pytest

from benchmarks.serving import answers, bodies, family, summary, wrk
from benchmarks.serving.contenders import BATCH
from benchmarks.serving.environments import PEERS as PEERS_FOLDER
from benchmarks.serving.journal import Journal
from benchmarks.serving.others import PEERS, TUTORIAL
from benchmarks.serving.ours import BARE, LOOP, NUMERAL
from benchmarks.serving.plot import draw
from benchmarks.serving.questions import Exam
from benchmarks.serving.report import markdown
from benchmarks.serving.results import (
    Conditions,
    Measurement,
    Memory,
    Results,
    Scenario,
    ServerInfo,
    Slot,
)
from benchmarks.serving.turns import Cores, comparison, parse_cores, scaling
from models.manifest import PACKAGE_DIRECTORY
from tests.generated import drawn_digits

DIGITS = drawn_digits(70, seed=5).images
SINGLE = Scenario(way="PNG, raw", concurrency=64, images=1)
MANY = Scenario(way="PNGs in a form", concurrency=4, images=BATCH)
PRINTED = """\
Running 3s test @ http://127.0.0.1:8000/predict
  4077 requests in 3.00s, 1.20MB read
MEASURED {"requests": 4077, "seconds": 3.0, "p50_ms": 15.1, "p99_ms": 22.9, \
"bad_answers": 7, "socket_errors": 2}
"""


def measured(scenario: Scenario, requests: int, *, p99: float = 20.0, bad: int = 0) -> Measurement:
    return Measurement(
        scenario=scenario, requests=requests, seconds=2, p50_ms=10, p99_ms=p99, bad_answers=bad
    )


def slot(server: str, number: int, *found: Measurement, workers: int = 0) -> Slot:
    return Slot(
        model="cnn",
        server=server,
        workers=workers,
        round=number,
        measurements=found,
        memory=Memory(processes=1, rss_mib=200, pss_mib=100 + number),
    )


def results(*slots: Slot) -> Results:
    return Results(
        conditions=Conditions(
            command="python -m benchmarks.serving",
            machine="a machine",
            tools="wrk 4",
            commit="abc",
            seconds=2,
            rounds={"cnn": 3},
            server_cores=(0,),
            load_cores=(1, 2),
        ),
        servers=tuple(
            ServerInfo(name=one.name, title=one.title, kind=one.kind, setup=one.setup, versions={})
            for one in (NUMERAL, *PEERS, BARE, LOOP)
        ),
        cells=summary.cells(slots),
        memory=summary.memories(slots),
        absences=summary.absences(slots),
    )


def line_of(page: str, start: str) -> list[str]:
    (line,) = [line for line in page.splitlines() if line.startswith(start)]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_figures_are_found_in_what_wrk_prints():
    found = wrk.parse(PRINTED)

    assert (found.requests, found.seconds, found.p50_ms, found.p99_ms) == (4077, 3.0, 15.1, 22.9)
    assert (found.bad_answers, found.socket_errors) == (7, 2)


@pytest.mark.parametrize("printed", ["", "unable to connect", 'MEASURED {"requests": nan}'])
def test_output_without_figures_is_refused(printed):
    with pytest.raises(wrk.LoadFailed, match="wrk printed"):
        wrk.parse(printed)


def test_answers_with_a_bad_status_do_not_count_as_images():
    assert measured(MANY, 100, bad=50).rate == 50 * BATCH / 2


def test_a_rate_is_the_median_of_the_rounds():
    rounds = [
        slot("bare", place, measured(SINGLE, requests)) for place, requests in enumerate((2, 90, 4))
    ]

    (cell,) = summary.cells(rounds)

    assert cell.rates == (1, 45, 2)
    assert cell.rate == 2


def test_failures_of_all_rounds_are_added():
    rounds = [slot("bare", place, measured(SINGLE, 9, bad=2)) for place in range(3)]

    assert summary.cells(rounds)[0].failures == 6


def test_what_was_not_measured_is_named_once():
    rounds = [Slot(model="cnn", server="keras", workers=0, round=n, missing="gone") for n in (1, 2)]

    (absence,) = summary.absences(rounds)

    assert (absence.server, absence.way, absence.reason) == ("keras", None, "gone")


def test_the_report_compares_with_the_tutorial_the_best_peer_and_the_ceilings():
    page = markdown(
        results(
            slot("numeral", 1, measured(SINGLE, 16000, p99=10), measured(MANY, 800)),
            slot("tutorial", 1, measured(SINGLE, 4000, p99=30), measured(MANY, 200)),
            slot("pytriton", 1, measured(SINGLE, 5000, p99=40)),
            slot("bare", 1, measured(SINGLE, 64000)),
            slot("loop", 1, measured(MANY, 1000)),
        ),
        "serving.png",
    )

    assert "4.0 times the tutorial's" in page
    assert "3.2 times the best peer's (pytriton)" in page
    assert "25% of the bare ASGI app's" in page
    assert "80% of decode + ONNX Runtime in a loop" in page
    assert "p99 10.0 ms; 40.0 ms for pytriton, and 30.0 ms for tutorial" in page


def test_a_row_of_single_images_has_rate_ratio_latency_and_memory():
    page = markdown(
        results(
            slot("numeral", 1, measured(SINGLE, 16000)), slot("tutorial", 1, measured(SINGLE, 4000))
        ),
        "serving.png",
    )

    row = ["**Numeral**", "PNG, raw", "", "", "8,000", "4.00", "10.0", "20.0", "0", "101 MiB"]
    assert line_of(page, "| **Numeral**") == row


def test_without_the_tutorial_there_is_no_ratio():
    page = markdown(results(slot("numeral", 1, measured(SINGLE, 16000))), "serving.png")

    assert line_of(page, "| **Numeral**")[5] == "-"


def test_workers_have_a_table_of_their_own():
    page = markdown(
        results(
            slot("numeral", 1, measured(SINGLE, 100)),
            slot("numeral", 1, measured(SINGLE, 300), workers=2),
        ),
        "serving.png",
    )

    assert line_of(page, "| 2 |")[1] == "150/s"


def test_the_report_says_why_a_peer_was_not_measured():
    gone = Slot(model="cnn", server="rayserve", workers=0, round=1, missing="no wheel")

    assert "- rayserve, `cnn`: no wheel." in markdown(results(gone), "serving.png")


def test_the_plot_is_a_picture(tmp_path):
    found = results(slot("numeral", 1, measured(SINGLE, 100), measured(MANY, 3)))

    draw(found, tmp_path / "serving.png")

    assert cv2.imread(str(tmp_path / "serving.png")) is not None


def test_every_server_has_its_turn_in_each_round():
    order = [
        (turn.model, turn.round, turn.contender.name)
        for turn in comparison((NUMERAL, TUTORIAL), {"cnn": 2, "lenet5": 1}, Cores((0,), (1,)))
    ]

    assert order == [
        ("cnn", 1, "numeral"),
        ("cnn", 1, "tutorial"),
        ("cnn", 2, "numeral"),
        ("cnn", 2, "tutorial"),
        ("lenet5", 1, "numeral"),
        ("lenet5", 1, "tutorial"),
    ]


def test_workers_take_processors_from_the_load_generator_and_share_the_last():
    turns = list(scaling(NUMERAL, "cnn", (1, 2, 3), 1, Cores((0,), (1, 2))))

    assert [turn.server_cores for turn in turns] == [(0,), (0, 1), (0, 1, 2)]
    assert [turn.load_cores for turn in turns] == [(1, 2), (2,), (0, 1, 2)]


def test_processors_are_written_as_for_taskset():
    assert parse_cores("0,2-4") == (0, 2, 3, 4)


def test_an_interrupted_run_goes_on_where_it_was(tmp_path):
    Journal(tmp_path / "slots", "with this code").add(slot("bare", 1, measured(SINGLE, 5)))
    with (tmp_path / "slots").open("a") as file:
        file.write('{"model": "cn')

    again = Journal(tmp_path / "slots", "with this code")

    assert again.has(("cnn", "bare", 0, 1))
    assert not again.has(("cnn", "bare", 0, 2))


def test_figures_of_other_code_are_forgotten(tmp_path):
    Journal(tmp_path / "slots", "with this code").add(slot("bare", 1))

    assert not Journal(tmp_path / "slots", "with that code").slots


@pytest.mark.parametrize(
    ("way", "size"),
    [pytest.param(way, size, id=way.name) for way, size in NUMERAL.ways()],
)
def test_bodies_go_round_the_images_under_the_same_headers(way, size):
    found = bodies.bodies(DIGITS, size, way.encode, count=3)

    assert len(found.contents) == 3
    assert len(set(found.contents)) == 3
    assert "Content-Type" in found.headers


def test_bodies_are_written_as_the_script_of_wrk_reads_them(tmp_path):
    wrk.write_bodies(bodies.Bodies({"A": "b"}, (b"one", b"\n\n")), tmp_path / "file")

    assert (tmp_path / "file").read_bytes() == b"1\nA: b\n2\n3\none2\n\n\n"


def test_the_right_digits_stand_beside_each_body(tmp_path):
    exam = Exam.prepare(DIGITS, {"cnn": PACKAGE_DIRECTORY / "cnn.onnx"}, tmp_path)

    _, second, *_ = exam.questions(TUTORIAL, "cnn")[1].right

    assert second == exam.read["cnn"][64:] + exam.read["cnn"][:58]


def test_digits_are_read_from_every_form_of_answer():
    probabilities = np.eye(10, dtype=np.float32)[[3, 8]]
    flat = json.dumps({"outputs": [{"data": probabilities.ravel().tolist()}]}).encode()
    head = json.dumps({"outputs": [{"name": "probabilities"}]}).encode()
    binary = {"Inference-Header-Content-Length": str(len(head))}

    assert answers.single({}, b'{"digit": 3}') == [3]
    assert answers.several({}, b'{"predictions": [{"digit": 3}, {"digit": 8}]}') == [3, 8]
    assert answers.listed({}, b'[{"digit": 3}, {"digit": 8}]') == [3, 8]
    assert answers.tensor({}, flat) == [3, 8]
    assert answers.tensor(binary, head + probabilities.tobytes()) == [3, 8]


def test_a_thread_that_leaves_its_processors_is_found():
    mark = uuid.uuid4().hex
    everywhere = os.sched_getaffinity(0)
    sleeper = subprocess.Popen(
        [sys.executable, "-c", "input()"],
        stdin=subprocess.PIPE,
        env=os.environ | {family.MARK: mark},
    )

    with sleeper:
        try:
            assert family.strays(mark, everywhere) == 0
            assert family.strays(mark, {max(everywhere) + 1}) == 1
            assert family.memory(mark).processes == 1
        finally:
            family.end(mark, 5)


def test_peers_are_pinned_and_name_no_registry():
    for peer in PEERS:
        pins = (PEERS_FOLDER / peer.name / "requirements.txt").read_text()
        packages = [
            line for line in pins.splitlines() if line and not line.lstrip().startswith("#")
        ]

        assert packages
        assert [line for line in packages if "==" not in line] == []
        assert "://" not in pins
