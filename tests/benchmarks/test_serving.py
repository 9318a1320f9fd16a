"""The benchmarks of speed: workloads, clients, servers, and the commands."""

import json
import os

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks import machine, pictures, scaling, soak
from benchmarks.serving.__main__ import Results, Turn, app, markdown
from benchmarks.serving.clients import Load, send
from benchmarks.serving.servers import TUTORIAL, ServerFailed, running
from benchmarks.serving.workloads import STAND_INS, Workload, workloads
from models.manifest import PACKAGE_DIRECTORY
from service.imaging import normalise

RUNNER = CliRunner()


def turn(server: str, workload: str, number: int, requests: int, cpu_us: float) -> Turn:
    load = Load(requests=requests, seconds=2, p50_ms=1, p99_ms=2, failed=0)
    return Turn(server=server, workload=workload, round=number, load=load, cpu_us=cpu_us)


def page_of(*turns: Turn) -> str:
    results = Results(
        command="python -m benchmarks.serving",
        machine="a machine",
        model="cnn",
        server_core=0,
        seconds=2,
        rounds=2,
        reference="old",
        servers=(),
        turns=turns,
    )
    return "\n".join(markdown(results))


def test_every_stand_in_is_a_workload():
    names = {load.name for load in workloads()}

    assert names >= {*STAND_INS, *STAND_INS.values()}


def test_pictures_are_of_the_sizes_that_the_report_names():
    def shape(files):
        return cv2.imdecode(np.frombuffer(files[0], np.uint8), cv2.IMREAD_GRAYSCALE).shape

    images = pictures.mnist_images(10)
    assert all(np.array_equal(normalise(image).image, image) for image in images)
    assert shape(pictures.small_drawings(1)) == (28, 28)
    assert shape(pictures.scans(1)) == (100, 100)
    assert shape(pictures.canvas_drawings(1)) == (250, 250)
    assert shape(pictures.photographs(1)) == (4000, 3000)
    assert shape(pictures.draw_fields(1, height=48))[0] == 48


def test_ratios_are_medians_over_the_rounds():
    page = page_of(
        *(turn("old", "JPEG", number, 100, cpu) for number, cpu in enumerate((10, 20, 40))),
        *(turn("new", "JPEG", number, 200, cpu) for number, cpu in enumerate((5, 20, 80))),
    )

    assert "| JPEG | `new` | 100 | 2.00 | 20 | 1.00 | 1.0 | 2.0 | 0 |" in page


def test_the_closest_workload_of_the_reference_stands_in():
    page = page_of(
        turn("old", "MNIST PNG, form", 0, 100, 30), turn("new", "MNIST PNG, raw", 0, 300, 10)
    )

    assert "| MNIST PNG, raw | `new` | 150 | 3.00 * | 10 | 0.33 * |" in page


def test_a_workload_without_a_reference_has_no_ratio():
    assert "| field | `new` | 50 | - | 9 | - |" in page_of(turn("new", "field", 0, 100, 9))


def test_a_server_that_ends_is_reported_with_its_log():
    with (
        pytest.raises(ServerFailed, match="No module named"),
        running("gone", "{python} -m nothing.here", {0}, model="cnn"),
    ):
        pass


def test_both_clients_send_all_bodies_to_a_server_whose_time_is_counted():
    cores = os.sched_getaffinity(0)
    single = next(load for load in workloads() if load.name == "MNIST PNG, form")
    with running("tutorial", TUTORIAL, cores, model="cnn") as server:
        before = server.cpu_seconds()
        for client in ("wrk", "httpx"):
            load = Workload(single.name, single.path, single.headers, single.bodies, 2, client)
            found = send(load, server.url + load.path, 1, cores)
            assert found.requests > 0
            assert found.failed == 0
        assert server.cpu_seconds() > before
        assert server.memory_mb() > 20


def test_the_command_measures_servers_in_turn(tmp_path):
    options = ["--rounds", "1", "--seconds", "1", "--workload", "PNG, form", "--model", "cnn"]
    servers = ["--server", f"a={TUTORIAL}", "--server", f"b=-C . {TUTORIAL}"]

    done = RUNNER.invoke(app, [*options, *servers, "--out", str(tmp_path)])

    assert done.exit_code == 0, done.output
    turns = json.loads((tmp_path / "serving.json").read_text())["turns"]
    assert {(each["server"], each["workload"]) for each in turns} == {
        (server, f"{kind} PNG, form") for server in "ab" for kind in ("MNIST", "canvas")
    }
    assert all(each["cpu_us"] > 0 for each in turns)


def test_the_machine_is_measured_for_digits_and_fields(tmp_path):
    options = ["--model", "lenet5", "--model", "reader", "--rounds", "1", "--out", str(tmp_path)]

    done = RUNNER.invoke(machine.app, [*options, "--models-dir", str(PACKAGE_DIRECTORY)])

    assert done.exit_code == 0, done.output
    models = json.loads((tmp_path / "machine.json").read_text())["models"]
    assert [each["picture"] for each in models] == [
        "100x100 scan, JPEG",
        "field of 8 digits, PNG",
    ]


def test_scaling_times_the_whole_command(tmp_path):
    source = tmp_path / "pictures"
    scaling.write_archives(source, 3)

    assert scaling.measure(source, "local", 1, "lenet5").seconds > 0


def test_the_soak_report_counts_what_was_lost():
    answers = {"JPEG: 200": 90, "JPEG: lost": 2, "JPEG: 503": 1}
    results = soak.Results(
        command="python -m benchmarks.soak",
        machine="a machine",
        workers=2,
        memory=soak.Memory(
            minutes=10, answers=answers, slope_mb_per_hour=1, samples_mb=(500, 510, 505)
        ),
        faults=(soak.Fault(name="SIGTERM", answers=answers, seconds=1.5, exit_status=0),),
    )

    page = "\n".join(soak.markdown(results))

    assert "**500 MB** after the warm-up, **505 MB** at the end, at most 510 MB" in page
    assert "| SIGTERM | 90 | 2 | 1 | 1.5 s | 0 |" in page
