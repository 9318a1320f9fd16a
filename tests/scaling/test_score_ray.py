"""`numeral score --engine ray`: the local engine's rows, each once, whatever ends meanwhile."""

import json
import signal
import zipfile

import numpy as np
import psutil
import pytest

from benchmarks.pictures import draw_digits, draw_fields
from tests.e2e.command import PATIENCE_SECONDS, numeral, start
from tests.e2e.running import wait_for
from tests.generated import drawn_digits
from tests.scaling.processes import family, readers

MANY = 4_000
MODEL = ("--model", "cnn", "--preprocess", "none")


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A folder with an array of many digits, and the table that the local engine makes of it."""
    folder = tmp_path_factory.mktemp("many")
    np.save(folder / "digits.npy", np.resize(drawn_digits(200, seed=3).images, (MANY, 28, 28)))
    done = numeral("score", "digits.npy", *MODEL, "--out", "whole.parquet", folder=folder)
    assert done.returncode == 0, done.stderr
    return folder


def test_digits_have_the_rows_of_the_local_engine(tmp_path, nodes):
    scans = tmp_path / "scans"
    scans.mkdir()
    pictures = draw_digits(6, 40)
    (scans / "a.png").write_bytes(pictures[1])
    (scans / "bad.png").write_bytes(b"no picture")
    (scans / ".hidden").write_bytes(b"")
    (scans / "broken.zip").write_bytes(b"no archive")
    np.save(scans / "array.npy", drawn_digits(3, seed=1).images)
    with zipfile.ZipFile(scans / "more.zip", "w") as archive:
        for number, picture in enumerate(pictures):
            archive.writestr(f"{number}.png", picture)

    assert _both(tmp_path, nodes, "scans", "scans/a*.png") == {"local": 1, "ray": 1}
    _assert_same(tmp_path)


def test_fields_have_the_rows_of_the_local_engine(tmp_path, nodes):
    for number, picture in enumerate(draw_fields(3, 32)):
        (tmp_path / f"{number}.png").write_bytes(picture)

    options = ("--fields", "--max-length", "9")
    assert _both(tmp_path, nodes, "*.png", *options) == {"local": 0, "ray": 0}
    _assert_same(tmp_path)


def test_a_killed_worker_loses_nothing_and_repeats_nothing(tmp_path, many, nodes):
    running = _begin(tmp_path, many, nodes, files=2)
    actors = _actors()
    assert actors
    for actor in actors:
        actor.kill()

    printed, told = running.communicate(timeout=PATIENCE_SECONDS)

    assert (running.returncode, printed) == (0, b""), told
    _assert_each_once(tmp_path / "out", many)


def test_a_killed_node_loses_nothing_and_repeats_nothing(tmp_path, many, nodes):
    second = nodes.add(cores=1)
    running = _begin(tmp_path, many, nodes, files=3)
    wait_for(lambda: len(_actors()) == 2)
    nodes.kill(second)

    printed, told = running.communicate(timeout=PATIENCE_SECONDS)

    assert (running.returncode, printed) == (0, b""), told
    _assert_each_once(tmp_path / "out", many)


def test_a_killed_run_goes_on_if_it_is_asked_for_the_same(tmp_path, many, nodes):
    running = _begin(tmp_path, many, nodes, files=3)
    running.kill()
    running.communicate(timeout=PATIENCE_SECONDS)
    assert running.returncode == -signal.SIGKILL
    assert not (tmp_path / "out" / "_SUCCESS").exists()

    other = _score(tmp_path, many, nodes, "--model", "mlp")
    assert (other.returncode, b"another model" in other.stderr) == (2, True), other.stderr
    # What is cut off is no file of a task.
    (tmp_path / "out" / "00000001.parquet").write_bytes(b"PAR1")
    result = _score(tmp_path, many, nodes)

    assert result.returncode == 0, result.stderr
    assert b"by a run before" in result.stderr
    _assert_each_once(tmp_path / "out", many)
    assert json.loads((tmp_path / "out" / "_SUCCESS").read_bytes())["pictures"] == MANY
    assert not (tmp_path / "out" / "_numeral").exists()
    assert b"--overwrite" in _score(tmp_path, many, nodes).stderr


def _actors():
    return readers(family(psutil.Process()))


def _both(folder, nodes, *arguments):
    local = numeral("score", *arguments, "--out", "local.parquet", folder=folder)
    by_ray = ("--engine", "ray", "--address", nodes.address, "--out", "ray")
    ray = numeral("score", *arguments, *by_ray, folder=folder)
    assert {local.returncode, ray.returncode} <= {0, 1}, (local.stderr, ray.stderr)
    assert local.stderr.splitlines()[1:] == ray.stderr.splitlines()[1:]
    assert ray.stdout == b""
    return {"local": local.returncode, "ray": ray.returncode}


def _assert_same(folder):
    from pyarrow import parquet

    local, ray = (parquet.read_table(folder / name) for name in ("local.parquet", "ray"))
    assert ray.schema.equals(local.schema, check_metadata=True)
    assert ray.to_pylist() == local.to_pylist()


def _arguments(many, nodes, *options):
    options = ("--engine", "ray", "--address", nodes.address, "--out", "out", *MODEL, *options)
    return ("score", many / "digits.npy", *options)


def _score(folder, many, nodes, *options):
    return numeral(*_arguments(many, nodes, *options), folder=folder)


def _begin(folder, many, nodes, *, files):
    """Start it, and wait until so many files are there."""
    running = start(*_arguments(many, nodes), folder=folder)
    out = folder / "out"
    wait_for(lambda: len(list(out.glob("0*.parquet"))) >= files or running.poll() is not None)
    assert running.poll() is None
    return running


def _assert_each_once(out, many):
    from pyarrow import parquet

    found, whole = parquet.read_table(out), parquet.read_table(many / "whole.parquet")
    assert found["member"].to_pylist() == [str(number) for number in range(MANY)]
    assert found.drop(["source"]).to_pylist() == whole.drop(["source"]).to_pylist()
