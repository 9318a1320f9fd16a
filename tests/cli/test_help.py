"""Help with examples that hold, completion, the version, and a fast start."""

import re
import shlex
import subprocess
import sys

import pytest

from tests.cli.running import numeral as here
from tests.e2e.command import numeral, surroundings
from tests.strips import publish_reader

COMMANDS = (
    "serve",
    "predict",
    "read",
    "table",
    "score",
    "models",
    "verify",
    "export-feedback",
    "keys create",
)
_WIDE = {"COLUMNS": "200"}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_examples_of_itself_and_says_how_it_ends(command):
    shown = here(*command.split(), "--help", **_WIDE).stdout

    examples = [line for line in shown.splitlines() if f"numeral {command}" in line]
    about = shown[: shown.index("─ Options")]
    assert "Exit status:" in about
    assert len(examples) > 1
    for name in re.findall(r"--[a-z-]+", "\n".join(examples[1:])):
        assert f" {name} " in shown[shown.index("─ Options") :], name


@pytest.mark.parametrize("command", COMMANDS)
def test_help_cuts_no_name_short_on_a_narrow_screen(command):
    shown = here(*command.split(), "--help", COLUMNS="80").stdout

    assert [line for line in shown.splitlines() if "…" in line] == []


@pytest.mark.parametrize("command", COMMANDS)
def test_help_breaks_no_line_on_a_narrow_screen(command):
    narrow, wide = (
        here(*command.split(), "--help", COLUMNS=columns).stdout for columns in ("80", "200")
    )

    # The first paragraph, after the usage, is wrapped to the width.
    assert _paragraphs(narrow)[2:] == _paragraphs(wide)[2:]


def test_help_lists_every_command():
    shown = here("--help", **_WIDE).stdout

    for command in COMMANDS:
        assert re.search(rf"^│ {command.split()[0]} ", shown, re.MULTILINE)


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("numeral predict --model lenet", ["lenet", "lenet5"]),
        ("numeral score scans --model resnet-", ["resnet-int8"]),
        ("numeral score scans --fields --model ", ["reader"]),
        ("numeral read --model r", ["reader"]),
        ("numeral score --preprocess n", ["none"]),
        ("numeral ver", ["verify"]),
    ],
)
def test_names_are_completed(models_copy, words, completed):
    pytest.importorskip("onnx")
    publish_reader(models_copy)
    parts = shlex.split(words) + ([""] if words.endswith(" ") else [])

    result = numeral(
        _NUMERAL_COMPLETE="complete_bash",
        COMP_WORDS=words,
        COMP_CWORD=str(len(parts) - 1),
        NUMERAL_MODELS_DIR=str(models_copy),
    )

    assert result.stdout.decode().split() == completed


def test_completion_of_a_broken_folder_is_silent(tmp_path):
    result = numeral(
        _NUMERAL_COMPLETE="complete_bash",
        COMP_WORDS="numeral predict --model l",
        COMP_CWORD="3",
        NUMERAL_MODELS_DIR=str(tmp_path),
    )

    assert (result.stdout.strip(), result.stderr) == (b"", b"")


def test_bash_takes_the_completion_script():
    # Named, not looked for among the processes that this one was started by.
    options = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}
    script = numeral("--show-completion", "bash", **options).stdout.decode()

    result = subprocess.run(
        ["bash", "-c", f"{script}\ncomplete -p numeral"],
        env=surroundings(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert "_numeral_completion numeral" in result.stdout


def test_help_imports_nothing_that_is_slow():
    slow = ("onnxruntime", "cv2", "fastapi", "sqlalchemy", "ray", "pyarrow")
    script = f"import sys, service.cli; sys.exit(any(name in sys.modules for name in {slow}))"

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_version():
    assert here("--version").stdout.startswith("numeral ")


def _paragraphs(shown: str) -> list[str]:
    about = shown.partition("╭")[0]
    return "\n".join(map(str.strip, about.strip().splitlines())).split("\n\n")
