"""The service never imports training, export or TensorFlow."""

import subprocess
import sys

TRAINING_HALF = {"tensorflow", "keras", "tf2onnx", "training", "export"}

IMPORT_THE_WHOLE_SERVICE = """
import importlib, pkgutil, sys
import service
for module in pkgutil.walk_packages(service.__path__, "service."):
    if not module.name.endswith(".__main__"):
        importlib.import_module(module.name)
assert {"service.app", "service.cli"} <= sys.modules.keys()
print(*{name.partition(".")[0] for name in sys.modules})
"""


def test_the_service_imports_nothing_of_the_training_half() -> None:
    # In a new process, because other tests import TensorFlow.
    finished = subprocess.run(
        [sys.executable, "-c", IMPORT_THE_WHOLE_SERVICE], capture_output=True, text=True, check=True
    )

    imported = set(finished.stdout.split())

    assert "onnxruntime" in imported
    assert not imported & TRAINING_HALF
