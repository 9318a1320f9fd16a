"""The telemetry of ONNX Runtime, which stores an identifier in the home directory, is off."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

LOAD_A_MODEL = """
import export.runtime, onnxruntime, sys
onnxruntime.InferenceSession(sys.argv[1])
"""


@pytest.mark.parametrize(
    "command",
    [
        ("-m", "service.cli", "predict", "docs/digit.png"),
        ("-c", LOAD_A_MODEL, "models/mlp.onnx"),
    ],
    ids=["service", "export"],
)
def test_no_telemetry_is_stored(tmp_path, command):
    # Without the variables of a CI, where it turns telemetry off by itself.
    environment = {"HOME": str(tmp_path), "PATH": os.environ["PATH"]}

    finished = subprocess.run(
        [sys.executable, *command], cwd=ROOT, env=environment, capture_output=True, check=False
    )

    assert finished.returncode == 0, finished.stderr
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
