"""`numeral score --engine ray`: the local engine's rows, each once, whatever ends meanwhile."""

import json
import os
import signal
import zipfile

import numpy as np
import pytest

from tests.e2e.command import PATIENCE_SECONDS, numeral, start
from tests.e2e.running import wait_for
from tests.generated import drawn_digits
from tests.scoring.tables import read_table

MANY = 4_000
MODEL = ("--model", "cnn", "--preprocess", "none")


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """A folder with an array of many digits."""
    folder = tmp_path_factory.mktemp("many")
    np.save(folder / "digits.npy", np.resize(drawn_digits(200, seed=3).images, (MANY, 28, 28)))
    return folder


def test_the_rows_are_those_of_the_local_engine(tmp_path, nodes, draw):
    scans = tmp_path / "scans"
    scans.mkdir()
    (scans / "a.png").write_bytes(draw(1))
    (scans / os.fsdecode(b"caf\xe9.png")).write_bytes(draw(2))
    (scans / "bad.png").write_bytes(b"no picture")
    (scans / ".hidden").write_bytes(b"")
    (scans / "broken.zip").write_bytes(b"no archive")
    np.save(scans / "array.npy", drawn_digits(3, seed=1).images)
    with zipfile.ZipFile(scans / "more.zip", "w") as archive:
        for number in range(6):
            archive.writestr(f"{number}.png", draw(number))
    (tmp_path / "list").write_text("missing.png\n")
    (tmp_path / "m.csv").write_text("path,who,digit\nscans/a.png,me,1\n,nobody,\n")
    (scans / "notes.txt").write_text("no picture")
    sources = ("scans", "scans/a*.png", "@list", "m.csv")

    local = numeral("score", *sources, "--out", "local.parquet", folder=tmp_path)
    by_ray = ("--engine", "ray", "--address", nodes.address, "--out", "ray")
    ray = numeral("score", *sources, *by_ray, folder=tmp_path)

    assert (local.returncode, ray.returncode, ray.stdout) == (1, 1, b""), ray.stderr
    assert local.stderr.splitlines()[1:] == ray.stderr.splitlines()[1:]
    from pyarrow import parquet

    local, ray = (parquet.read_table(tmp_path / name) for name in ("local.parquet", "ray"))
    assert len(set(ray["id"].to_pylist())) == len(ray)
    assert ray.drop(["id"]).schema.equals(local.schema, check_metadata=True)
    assert ray.drop(["id"]).to_pylist() == local.to_pylist()


def test_a_killed_node_loses_nothing_and_repeats_nothing(tmp_path, many, nodes):
    second = nodes.add(cores=2)
    running = _begin(tmp_path, many, nodes, files=2)
    nodes.kill(second)

    printed, told = running.communicate(timeout=PATIENCE_SECONDS)

    assert (running.returncode, printed) == (0, b""), told
    _assert_each_once(tmp_path / "out")


def test_a_killed_run_resumes_if_it_is_asked_for_the_same(tmp_path, many, nodes):
    running = _begin(tmp_path, many, nodes, files=2)
    running.kill()
    running.communicate(timeout=PATIENCE_SECONDS)
    assert running.returncode == -signal.SIGKILL
    assert not (tmp_path / "out" / "_SUCCESS").exists()

    other = _score(tmp_path, many, nodes, "--model", "mlp")
    result = _score(tmp_path, many, nodes)
    again = _score(tmp_path, many, nodes)

    assert (other.returncode, b"another model" in other.stderr) == (2, True), other.stderr
    assert result.returncode == 0, result.stderr
    assert b"by a run before" in result.stderr
    _assert_each_once(tmp_path / "out")
    assert json.loads((tmp_path / "out" / "_SUCCESS").read_bytes())["pictures"] == MANY
    assert not (tmp_path / "out" / "_numeral").exists()
    assert (again.returncode, b"already complete" in again.stderr) == (0, True)


def test_a_folder_is_cleared_of_what_a_run_has_written_and_of_nothing_else(tmp_path):
    pytest.importorskip("ray", reason="Ray, of the extra scale, is not installed")
    from service.scoring.checkpoint import CannotWrite, Run
    from service.scoring.ray import _RUN, _SUCCESS, _Folder

    run = Run(request={"model": "mlp"}, pictures=1, digest="")
    folder = _Folder(str(tmp_path))
    (tmp_path / "mine.parquet").touch()
    with pytest.raises(CannotWrite, match=r"mine\.parquet"):
        folder.complete({"model": "mlp"})
    folder.write(_RUN, run)
    folder.write(_SUCCESS, run)
    (tmp_path / "numeral_1.parquet").touch()
    (tmp_path / "_numeral" / "checkpoint").mkdir()
    (tmp_path / "_numeral" / "checkpoint" / "1.parquet").touch()
    with pytest.raises(CannotWrite, match="another model"):
        folder.complete({"model": "cnn"})

    folder.clear()

    assert [path.name for path in tmp_path.iterdir()] == ["mine.parquet"]


def _arguments(many, nodes, *options):
    options = ("--engine", "ray", "--address", nodes.address, "--out", "out", *MODEL, *options)
    return ("score", many / "digits.npy", *options)


def _score(folder, many, nodes, *options):
    return numeral(*_arguments(many, nodes, *options), folder=folder)


def _begin(folder, many, nodes, *, files):
    """Start it, and wait until so many files are there."""
    running = start(*_arguments(many, nodes), folder=folder)
    out = folder / "out"
    wait_for(
        lambda: len(list(out.glob("*.parquet"))) >= files or running.poll() is not None,
        seconds=PATIENCE_SECONDS,
    )
    assert running.poll() is None, running.communicate()
    return running


def _assert_each_once(out):
    members = [int(row["member"]) for row in read_table(out)]
    assert sorted(members) == list(range(MANY))
