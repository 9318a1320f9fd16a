"""One target under libFuzzer, in a process that ends with it: `python -m benchmarks.fuzz_one`.

    python -m benchmarks.fuzz_one json corpus/json -max_total_time=60

`benchmarks.fuzz` starts it. The service is imported in here, so that its branches are counted.
"""

import importlib
import sys
from pathlib import Path

import atheris

# Where branches are counted: what takes bodies apart in Python.
_COUNTED = ("service", "python_multipart", "PIL", "numpy.lib._format_impl")


def main(arguments: list[str]) -> None:
    """Run a target by its name, on a corpus, with libFuzzer's options."""
    name, corpus, *options = arguments
    with atheris.instrument_imports(include=list(_COUNTED)):
        targets = importlib.import_module("benchmarks.fuzz_targets")
    target = targets.TARGETS[name]
    Path(corpus).mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (Path(corpus) / f"seed-{number}").write_bytes(seed)
    atheris.Setup([sys.argv[0], corpus, *options], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
