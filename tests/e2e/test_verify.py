"""`numeral verify`, as a user runs it."""

import json
import subprocess
import sys

import pytest

from models.manifest import MANIFEST_NAME
from models.mnist import TEST
from tests.generated import drawn_mnist, idx, write_idx
from tests.mnist import find_mnist


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mnist")
    digits = find_mnist()
    (folder / TEST.images.name).write_bytes(idx(digits.images))
    (folder / TEST.labels.name).write_bytes(idx(digits.labels))
    return folder


def verify(data_dir, *options):
    command = [sys.executable, "-m", "service.cli", "verify", "--data-dir", data_dir, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_shipped_files_read_as_well_as_the_manifest_says(mnist):
    verified = verify(mnist)

    assert verified.returncode == 0, verified.stdout + verified.stderr
    assert all(line.endswith("agrees") for line in verified.stdout.splitlines())


def test_a_manifest_that_claims_too_much_is_told(mnist, models_copy):
    manifest = models_copy / MANIFEST_NAME
    claims = json.loads(manifest.read_text())
    claims["models"][0]["test"]["correct"] = 10_000
    manifest.write_text(json.dumps(claims))

    verified = verify(mnist, "--models-dir", models_copy)

    assert verified.returncode == 1
    assert "differs by -" in verified.stdout.splitlines()[0]


def test_other_images_than_mnists_end_in_one_line(tmp_path):
    verified = verify(write_idx(tmp_path, drawn_mnist(train=20, test=20)))

    assert verified.returncode == 2
    assert "MD5" in verified.stderr
    assert "Traceback" not in verified.stderr
