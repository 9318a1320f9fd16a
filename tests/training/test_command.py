"""`python -m training`, run as a user runs it, on a small generated data set."""

import csv
import json
import os
import subprocess
import sys
from functools import partial

import pytest

from tests.commands import run_here
from tests.generated import drawn_mnist, write_idx

pytest.importorskip("keras", reason="requires the extra 'training' (no TensorFlow here)")

from training.recipes import READER
from training.runs import Run, RunConfig


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory):
    return write_idx(tmp_path_factory.mktemp("data"), drawn_mnist())


@pytest.fixture
def training(data_dir):
    return partial(run_here, "training", NUMERAL_DATA=str(data_dir))


def history(folder):
    with (folder / "history.csv").open(newline="") as lines:
        return list(csv.DictReader(lines))


def test_fit_writes_a_run_that_evaluate_reads(training, data_dir, tmp_path):
    subprocess.run(
        [
            sys.executable, "-m", "training", "fit", "--model", "mlp", "--epochs", "3",
            "--batch-size", "32", "--limit", "400", "--format", "h5", "--no-verify",
            "--runs-dir", tmp_path, "--data-dir", data_dir,
        ],
        capture_output=True,
        check=True,
    )  # fmt: skip

    (run,) = (tmp_path / "mlp").iterdir()
    assert {path.name for path in run.iterdir()} == {
        "config.json", "history.csv", "history.png", "model.h5", "model.keras", "predictions.png",
    }  # fmt: skip
    config = json.loads((run / "config.json").read_text())
    assert config["train_images"] == 400
    assert config["recipe"]["batch_size"] == 32
    assert [row["epoch"] for row in history(run)] == ["1", "2", "3"]
    assert (run / "history.png").read_bytes().startswith(b"\x89PNG")

    evaluated = training("evaluate", run, "--no-verify")
    assert "test accuracy" in evaluated.stdout
    assert (run / "confusion.png").exists()


@pytest.mark.parametrize(
    "command",
    ["training", "training fit", "training evaluate", "training study", "export", "export.cards"],
)
def test_help_is_quick_and_clean(command):
    module, *subcommand = command.split()
    code = (
        "import runpy, sys; sys.argv[1:] = [*sys.argv[1:], '--help']\n"
        "try: runpy.run_module(sys.argv.pop(1), run_name='__main__')\n"
        "finally: print('loaded', sorted({'tensorflow', 'keras', 'tf2onnx'} & sys.modules.keys()))"
    )
    shown = subprocess.run(
        [sys.executable, "-c", code, module, *subcommand],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"COLUMNS": "200", "TERM": "dumb"},
    )

    assert shown.stderr == ""
    assert "Usage:" in shown.stdout
    assert shown.stdout.endswith("loaded []\n")


def test_help_names_defaults_that_depend_on_others(training):
    # Typer drops text in brackets, such as "[default: the recipe's]" in a help.
    assert training("fit", "--help", COLUMNS="200").stdout.count("[default: (the recipe's)]") == 2
    assert "RUNS_DIR/report" in training("study", "--help", COLUMNS="200").stdout


def test_commands_print_no_notices_of_tensorflow(tmp_path):
    failed = subprocess.run(
        [sys.executable, "-m", "training", "fit", "--model", "mlp", "--data-dir", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )

    assert failed.stderr.splitlines() == [
        f"error: {tmp_path}: has neither train-images-idx3-ubyte nor train-images-idx3-ubyte.gz"
    ]


def test_logs_for_tensorboard_are_written_on_request(training, tmp_path):
    event_file_loader = pytest.importorskip(
        "tensorboard.backend.event_processing.event_file_loader"
    ).EventFileLoader
    training(
        "fit", "--model", "mlp", "--epochs", 2, "--no-verify", "--runs-dir", tmp_path,
        "--tensorboard",
    )  # fmt: skip

    (run,) = (tmp_path / "mlp").iterdir()
    logged = {
        part: [
            (value.tag, event.step)
            for file in (run / "tensorboard" / part).glob("events.*")
            for event in event_file_loader(str(file)).Load()
            for value in event.summary.value
        ]
        for part in ("train", "validation")
    }
    for part in logged.values():
        assert {("epoch_loss", 1), ("epoch_loss", 2), ("epoch_accuracy", 2)} <= set(part)
        assert ("epoch_loss", 0) not in part


def test_a_missing_tensorboard_ends_in_one_line(training, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    failed = training(
        "fit", "--model", "mlp", "--no-verify", "--runs-dir", tmp_path, "--tensorboard", check=False
    )

    assert failed.returncode == 1
    assert "--tensorboard requires TensorBoard: pip install tensorboard" in failed.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_finished_run_is_not_trained_again(training, tmp_path):
    arguments = ("fit", "--model", "mlp", "--epochs", 1, "--no-verify", "--runs-dir", tmp_path)
    training(*arguments)

    again = training(*arguments)

    assert "is already finished" in again.stdout


def test_a_bad_data_folder_ends_in_one_line(training, tmp_path):
    failed = training("fit", "--model", "mlp", "--data-dir", tmp_path, check=False)

    assert failed.returncode == 1
    assert "has neither train-images-idx3-ubyte" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_too_few_epochs_for_the_warm_up_end_in_one_line(training):
    failed = training("fit", "--model", "mlp", "--recipe", "best", "--epochs", 2, check=False)

    assert failed.returncode == 2
    assert "warms up for 2 epochs" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_unsupported_options_of_the_reader_are_rejected(training):
    failed = training("fit", "--model", "reader", "--recipe", "best", "--limit", 9, check=False)

    assert failed.returncode == 2
    assert "'--recipe' / '--limit'" in failed.stderr
    assert "not supported for the reader" in failed.stderr


def test_a_reader_without_amounts_ends_in_one_line(training, tmp_path):
    failed = training(
        "fit", "--model", "reader", "--no-verify", "--runs-dir", tmp_path, check=False
    )

    assert failed.returncode == 1
    assert "has no orand-car-a/labels.csv" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_a_reader_is_not_evaluated_on_single_digits(training, tmp_path):
    reader = Run(tmp_path)
    reader.prepare(RunConfig("reader", READER, 1, 1, 1))
    reader.model_file.touch()

    failed = training("evaluate", tmp_path, "--no-verify", check=False)

    assert failed.returncode == 1
    assert "measure it with `python -m benchmarks.fields`" in failed.stderr
