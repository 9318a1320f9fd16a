"""`numeral models` and `numeral verify`."""

import json

import pytest

from models.manifest import MANIFEST_NAME, PACKAGE_DIRECTORY, load_manifest
from models.mnist import TEST
from tests.cli.running import numeral
from tests.generated import drawn_mnist, idx, write_idx
from tests.mnist import find_mnist


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mnist")
    digits = find_mnist()
    (folder / TEST.images.name).write_bytes(idx(digits.images))
    (folder / TEST.labels.name).write_bytes(idx(digits.labels))
    return folder


def test_models_are_compared_under_a_header():
    result = numeral("models")

    assert result.returncode == 0
    manifest = load_manifest(PACKAGE_DIRECTORY)
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    names = [line[0].removesuffix(" (default)") for line in lines]
    assert names == [
        "model",
        *(card.name for card in manifest.models),
        *(["reader"] if manifest.readers else []),
        *(card.name for card in manifest.readers),
    ]
    assert lines[0][1:] == [
        *("version", "parameters", "accuracy", "95% interval", "read rate", "status")
    ]
    assert {len(line) for line in lines} == {7}
    assert f"{manifest.models[0].parameters:,}" in lines[1]
    test = manifest.models[0].operating_point(0.001).test
    assert lines[1][5].endswith(f" at 0.001, {test.errors} wrong of {test.accepted:,}")


def test_a_damaged_model_is_named(models_copy):
    (models_copy / "cnn.onnx").write_bytes(b"")

    result = numeral("models", "--models-dir", str(models_copy))

    assert result.returncode == 1
    assert "failed" in result.stdout
    assert "cnn.onnx" in result.stdout


def test_the_shipped_files_read_as_well_as_the_manifest_says(mnist):
    verified = numeral("verify", "--data-dir", mnist)

    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert all(line.endswith("agrees") for line in verified.stdout.splitlines())
    assert [line for line in verified.stderr.splitlines() if "skipped" in line] == [
        f"{card.name}: skipped, MNIST has no fields to measure a reader with"
        for card in load_manifest(PACKAGE_DIRECTORY).readers
    ]


def test_a_manifest_that_claims_too_much_is_reported(mnist, models_copy):
    manifest = models_copy / MANIFEST_NAME
    claims = json.loads(manifest.read_text())
    claims["models"] = [each for each in claims["models"] if each["name"] == "mlp"]
    claims["models"][0]["test"]["correct"] = 10_000
    claims |= {"default": "mlp", "readers": []}
    manifest.write_text(json.dumps(claims))

    verified = numeral("verify", "--data-dir", mnist, "--models-dir", models_copy)

    assert verified.returncode == 1
    assert "differs by -" in verified.stdout.splitlines()[0]


def test_other_images_than_mnists_end_in_one_line(tmp_path):
    verified = numeral("verify", "--data-dir", write_idx(tmp_path, drawn_mnist(train=20, test=20)))

    assert verified.returncode == 2
    assert "MD5" in verified.stderr
    assert len(verified.stderr.splitlines()) == 1
