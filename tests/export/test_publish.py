"""`python -m export` publishes only what it is told to, and nothing that is worse."""

import errno
import json
import shutil

import numpy as np
import pytest

from models.manifest import PACKAGE_DIRECTORY, load_manifest, read_model_file
from tests.commands import run_here
from tests.generated import drawn_mnist, write_idx

pytest.importorskip("keras", reason="requires the extra 'training' (no TensorFlow here)")
pytest.importorskip("onnx", reason="requires the extra 'training'")

from export.publish import Exported, PublishError, publish
from export.runtime import run


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return write_idx(tmp_path_factory.mktemp("data"), drawn_mnist())


@pytest.fixture(scope="module")
def command(data_dir):
    def run_module(module, *arguments, check=True):
        return run_here(
            module,
            *arguments,
            "--no-verify",
            check=check,
            COLUMNS="200",
            NUMERAL_DATA=str(data_dir),
        )

    return run_module


@pytest.fixture(scope="module")
def finished_run(command, tmp_path_factory):
    runs = tmp_path_factory.mktemp("runs")
    command("training", "fit", "--model", "mlp", "--epochs", 4, "--runs-dir", runs)
    return next((runs / "mlp").iterdir())


@pytest.fixture(scope="module")
def bad_run(command, tmp_path_factory):
    """A run after too few steps."""
    runs = tmp_path_factory.mktemp("bad")
    command(
        "training", "fit", "--model", "mlp", "--epochs", 1, "--limit", 40, "--runs-dir", runs
    )  # fmt: skip
    return next((runs / "mlp").iterdir())


@pytest.fixture(scope="module")
def exported(command, finished_run, tmp_path_factory):
    """A folder with the model of the run, and what the command printed."""
    folder = tmp_path_factory.mktemp("exported")
    return folder, command("export", finished_run, "--no-int8", "--models-dir", folder).stdout


@pytest.fixture
def published(exported, tmp_path):
    """A copy of that folder."""
    return shutil.copytree(exported[0], tmp_path / "published")


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A copy that stands for the shipped models."""
    folder = tmp_path / "shipped"
    shutil.copytree(PACKAGE_DIRECTORY, folder, ignore=lambda _, names: [
        name for name in names if not name.endswith((".onnx", ".json"))
    ])  # fmt: skip
    monkeypatch.setattr("models.manifest.PACKAGE_DIRECTORY", folder)
    monkeypatch.setattr("export.compare.PACKAGE_DIRECTORY", folder)
    return folder


def content_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_the_shipped_models_are_replaced_only_on_request(
    command, finished_run, shipped, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    before = content_of(shipped)

    done = command("export", finished_run, "--no-int8")
    named = command("export", finished_run, "--models-dir", shipped, check=False)
    both = command("export", finished_run, "--models-dir", "x", "--replace-shipped", check=False)

    assert "published in exported: mlp" in done.stdout
    assert load_manifest(tmp_path / "exported").models[0].name == "mlp"
    # Compared with the shipped one all the same.
    assert f"shipped, {load_manifest(shipped).models[0].version}" in done.stdout
    assert (named.returncode, both.returncode) == (2, 2)
    assert "pass --replace-shipped" in named.stderr
    assert "either --replace-shipped or --models-dir" in both.stderr
    assert content_of(shipped) == before

    command("export", finished_run, "--no-int8", "--replace-shipped", "--force")

    assert content_of(shipped)["mlp.onnx"] == content_of(tmp_path / "exported")["mlp.onnx"]


def test_a_worse_model_is_rejected_unless_forced(command, finished_run, bad_run, published):
    before, old = content_of(published), load_manifest(published).models[0]

    rejected = command("export", bad_run, "--no-int8", "--models-dir", published, check=False)

    assert rejected.returncode == 1
    assert f"mlp (test accuracy {old.test.accuracy:.2%} -> " in rejected.stderr
    assert "nothing was published, pass --force" in rejected.stderr
    assert content_of(published) == before

    forced = command("export", bad_run, "--no-int8", "--models-dir", published, "--force")

    new = load_manifest(published).models[0]
    assert new.version != old.version
    for done in (rejected, forced):
        rows = [
            [cell.strip() for cell in line.split("│")[1:-1]] for line in done.stdout.splitlines()
        ]
        table = {row[0]: row[1:] for row in rows if row}
        accuracies = [f"{card.test.accuracy:.2%}" for card in (old, new)]
        assert table["test accuracy"] == [*accuracies, "worse"]
        assert table["size"][:2] == [f"{len(before['mlp.onnx']) / 1000:,.0f} kB"] * 2
        assert {"read rate at 0.1%", "errors among accepted", "time of one"} <= table.keys()
        assert f"old, {old.version}" in done.stdout
        assert f"new, {new.version}" in done.stdout


def test_the_old_model_is_measured_on_the_images_of_the_new_one(command, finished_run, published):
    manifest = json.loads((published / "manifest.json").read_text())
    # Of other test images, on which it was better.
    manifest["models"][0]["test"]["accuracy"] = 1.0
    (published / "manifest.json").write_text(json.dumps(manifest))

    done = command("export", finished_run, "--no-int8", "--models-dir", published)

    assert "worse" not in done.stdout


def test_a_variant_that_is_removed_is_named(command, finished_run, published):
    manifest = json.loads((published / "manifest.json").read_text())
    manifest["models"].append(manifest["models"][0] | {"name": "mlp-int8", "file": "mlp-int8.onnx"})
    (published / "manifest.json").write_text(json.dumps(manifest))

    done = command("export", finished_run, "--no-int8", "--models-dir", published)

    assert "mlp-int8 is removed" in done.stdout


def test_export_publishes_a_model_with_its_card(exported):
    folder, printed = exported

    card = load_manifest(folder).models[0]
    content = read_model_file(folder, card)
    test = drawn_mnist().test
    answers = run(content, test.images).answers
    assert card.test.correct == int(np.sum(answers == test.labels))
    assert card.test.images == 100
    assert card.parameters == 109_386
    assert card.training.recipe == "baseline"
    assert card.version in printed
    assert {path.name for path in folder.iterdir()} == {"manifest.json", "mlp.onnx"}


def test_export_does_not_change_other_published_models(command, finished_run, published):
    manifest = json.loads((published / "manifest.json").read_text())
    # Another architecture, or the new export would replace it.
    manifest["models"][0] |= {"name": "earlier", "architecture": "earlier"}
    manifest["default"] = "earlier"
    (published / "manifest.json").write_text(json.dumps(manifest))

    command("export", finished_run, "--no-int8", "--models-dir", published)

    manifest = load_manifest(published)
    assert [card.name for card in manifest.models] == ["earlier", "mlp"]
    assert manifest.default == "earlier"


def test_exporting_twice_gives_the_same_version(command, finished_run, published, tmp_path):
    command("export", finished_run, "--no-int8", "--models-dir", tmp_path / "second")

    first, second = (load_manifest(each).models[0] for each in (published, tmp_path / "second"))
    assert first.version == second.version
    assert first.operating_points == second.operating_points


def test_a_folder_without_a_run_publishes_nothing(command, finished_run, tmp_path):
    options = ("--no-int8", "--models-dir", tmp_path / "models")
    failed = command("export", finished_run, tmp_path, *options, check=False)

    assert failed.returncode == 1
    assert "contains no training run" in failed.stderr
    assert not (tmp_path / "models").exists()


def test_a_full_disk_changes_nothing(tmp_path, monkeypatch):
    card = load_manifest(PACKAGE_DIRECTORY).models[0]
    publish(tmp_path, [Exported(card, b"first")])
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(PublishError, match="No space left on device"):
        publish(tmp_path, [Exported(card, b"second")])

    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_unknown_default_publishes_nothing(command, finished_run, tmp_path):
    options = ("--no-int8", "--models-dir", tmp_path, "--default", "vgg")
    failed = command("export", finished_run, *options, check=False)

    assert failed.returncode == 1
    assert "vgg" in failed.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_study_of_an_architecture_outlives_its_weights(tmp_path):
    card = load_manifest(PACKAGE_DIRECTORY).models[0]
    content = read_model_file(PACKAGE_DIRECTORY, card)
    publish(tmp_path, [Exported(card, content)])

    publish(tmp_path, [Exported(card.model_copy(update={"study": ()}), content)])

    assert card.study
    assert load_manifest(tmp_path).models[0].study == card.study
