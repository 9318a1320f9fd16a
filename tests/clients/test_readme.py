"""Examples of the Python client's README."""

import re
import subprocess
import sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest

from tests.strips import bars

README = Path(__file__).parents[2] / "clients" / "python" / "README.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
PRINTED = re.compile(r"print\(.*\)  # (.*)")


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_prints_its_comments(example, reading_server, seven, tmp_path, monkeypatch):
    (tmp_path / "digit.png").write_bytes(seven)
    (tmp_path / "amount.png").write_bytes(bars("#1850"))
    monkeypatch.chdir(tmp_path)

    with redirect_stdout(StringIO()) as output:
        exec(example.replace("http://127.0.0.1:8000", reading_server), {"__name__": "example"})

    assert sorted(output.getvalue().splitlines()) == sorted(PRINTED.findall(example))


def test_the_examples_pass_a_type_checker(tmp_path):
    files = [tmp_path / f"example_{number}.py" for number in range(len(EXAMPLES))]
    for file, example in zip(files, EXAMPLES, strict=True):
        file.write_text(example)

    options = ("--config-file=", "--check-untyped-defs", f"--cache-dir={tmp_path}")
    finished = subprocess.run(
        [sys.executable, "-m", "mypy", *options, *files],
        capture_output=True,
        text=True,
        check=False,
    )

    assert finished.returncode == 0, finished.stdout
