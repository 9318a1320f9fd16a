"""The command `numeral` in a process of its own."""

import errno
import json
import os
import socket
import subprocess
import sys

import cv2
import numpy as np
import pytest

from models.manifest import PACKAGE_DIRECTORY, load_manifest
from service.settings import Settings
from tests.e2e.running import COMMAND
from tests.strips import bars, publish_reader


def test_predict_prints_digit_confidence_decision_and_file(tmp_path, draw):
    files = [_write(tmp_path / f"{digit}.png", draw(digit)) for digit in (7, 1)]

    result = _numeral("predict", *files)

    assert result.returncode == 0
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert [(line[0], line[3]) for line in lines] == [("7", files[0]), ("1", files[1])]
    assert all(0 < float(line[1]) <= 1 for line in lines)
    assert all(line[2].startswith(("accept", "review")) for line in lines)


def test_predict_reports_bad_files_and_goes_on(tmp_path, seven):
    bad = _write(tmp_path / "bad.png", b"no picture")
    good = _write(tmp_path / "7.png", seven)
    missing = str(tmp_path / "missing.png")

    result = _numeral("predict", bad, missing, good)

    assert result.returncode == 1
    assert result.stdout.startswith("7\t")
    assert bad in result.stderr
    assert missing in result.stderr


def test_predict_prints_json(tmp_path, seven, blank):
    files = [_write(tmp_path / "7.png", seven), _write(tmp_path / "blank.png", blank)]

    result = _numeral("predict", "--json", "--model", "lenet5", *files)

    first, second = map(json.loads, result.stdout.splitlines())
    assert (first["file"], first["model"], first["digit"]) == (files[0], "lenet5", 7)
    assert (second["digit"], second["reasons"]) == (None, ["blank"])


@pytest.mark.parametrize(
    "options", [("--model", "vgg"), ("--max-error", "1e-9"), ("--models-dir", "/nowhere")]
)
def test_predict_with_a_model_that_cannot_be_used(tmp_path, seven, options):
    result = _numeral("predict", *options, _write(tmp_path / "7.png", seven))

    assert result.returncode == 3
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.stderr


def test_models_are_compared():
    result = _numeral("models")

    assert result.returncode == 0
    manifest = load_manifest(PACKAGE_DIRECTORY)
    for card, line in zip(
        (*manifest.models, *manifest.readers), result.stdout.splitlines(), strict=True
    ):
        assert line.startswith(card.name)
        assert f"{card.parameters:,}" in line


def test_a_damaged_model_is_named(models_copy):
    (models_copy / "cnn.onnx").write_bytes(b"")

    result = _numeral("models", "--models-dir", str(models_copy))

    assert result.returncode == 1
    assert "failed" in result.stdout
    assert "cnn.onnx" in result.stdout


def test_serve_says_when_the_port_is_taken():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        result = _numeral("serve", "--port", port)

    assert result.returncode == 1
    assert result.stderr == (
        f"error: cannot listen on 127.0.0.1 port {port}: {os.strerror(errno.EADDRINUSE)};"
        " choose another --host or --port\n"
    )


@pytest.mark.parametrize("host", ["a..b", "nowhere.invalid", "x" * 300, "é" * 100, "::g"])
def test_serve_says_in_a_line_that_a_host_cannot_be(host):
    result = _numeral("serve", "--port", "0", "--host", host)

    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert host in result.stderr
    assert "--host" in result.stderr


@pytest.mark.parametrize("manifest", ["{", "[]", '{"default": 3, "models": [{"name": "a b"}]}'])
@pytest.mark.parametrize("command", [["models"], ["predict", "7.png"]])
def test_a_broken_manifest_is_a_line_too(tmp_path, manifest, command):
    (tmp_path / "manifest.json").write_text(manifest)

    result = _numeral(*command, "--models-dir", str(tmp_path))

    assert result.returncode == 3
    [line] = result.stderr.splitlines()
    assert line.startswith(f"error: {tmp_path}/manifest.json: ")
    assert len(line) < 300
    assert "pydantic" not in line


def test_predict_without_preprocessing(tmp_path, seven):
    image = cv2.imencode(".png", np.zeros((28, 28), np.uint8))[1].tobytes()
    files = [_write(tmp_path / "28.png", image), _write(tmp_path / "7.png", seven)]

    result = _numeral("predict", "--preprocess", "none", *files)

    assert result.returncode == 1
    assert "28 x 28" in result.stderr
    assert result.stdout.splitlines()[0].endswith(files[0])


def test_predict_with_an_unknown_preprocessing(tmp_path, seven):
    result = _numeral("predict", "--preprocess", "some", _write(tmp_path / "7.png", seven))

    assert result.returncode == 2


@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo-terminals")
def test_a_table_shows_a_file_name_in_brackets_as_it_is(tmp_path, seven):
    _write(tmp_path / "[red]x.png", seven)

    assert "[red]x.png" in _numeral_on_a_terminal("predict", "[red]x.png", folder=tmp_path)


def test_read_prints_text_confidence_decision_and_file(tmp_path, models_copy):
    pytest.importorskip("onnx")
    publish_reader(models_copy)
    field = _write(tmp_path / "field.png", bars("#18014"))
    bad = _write(tmp_path / "bad.png", b"no picture")

    result = _numeral("read", "--models-dir", str(models_copy), field, bad)

    assert result.returncode == 1
    text, raw, confidence, decision, file = result.stdout.rstrip("\n").split("\t")
    assert (text, raw, decision, file) == ("18014", "#18014", "accept", field)
    assert 0.9 < float(confidence) <= 1
    assert bad in result.stderr


def test_read_keeps_to_what_is_known_and_prints_json(tmp_path, models_copy):
    pytest.importorskip("onnx")
    publish_reader(models_copy)
    field = _write(tmp_path / "field.png", bars("#43"))
    options = ("--models-dir", str(models_copy), "--json", "--checksum", "luhn")

    answer = json.loads(_numeral("read", *options, field).stdout)

    assert (answer["file"], answer["model"], answer["decision"]) == (field, "reader", "review")
    assert "no_match" in answer["reasons"]


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (("--length", "5", "--min-length", "6"), 2, "contradict"),
        (("--checksum", "iban"), 2, "checksum"),
        (("--model", "nobody"), 3, "reader"),
        (("--models-dir", "/nowhere"), 3, "/nowhere"),
    ],
)
def test_read_refuses_what_cannot_be(tmp_path, options, status, says):
    result = _numeral("read", *options, _write(tmp_path / "field.png", bars("#1")))

    assert result.returncode == status
    assert says in result.stderr


def test_serve_refuses_a_setting_that_cannot_be():
    result = _numeral("serve", environment={"NUMERAL_PORT": "70000"})

    assert result.returncode == 2
    assert "NUMERAL_PORT" in result.stderr


def test_serve_names_the_option_of_a_value_that_cannot_be():
    result = _numeral("serve", "--port", "70000")

    assert result.returncode == 2
    assert "--port (NUMERAL_PORT): Input should be" in result.stderr


def test_serve_has_an_option_for_every_setting():
    shown = _numeral("serve", "--help", environment={"COLUMNS": "200"}).stdout

    for name in Settings.model_fields:
        assert f"--{name.replace('_', '-')}" in shown
        assert f"NUMERAL_{name.upper()}" in shown
    assert "typing" not in shown


def test_help_needs_no_onnx_runtime():
    script = (
        "import sys, service.cli; sys.exit('onnxruntime' in sys.modules or 'cv2' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_version():
    assert _numeral("--version").stdout.startswith("numeral ")


def _numeral(*arguments, environment=None):
    return subprocess.run(
        [*COMMAND, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **(environment or {})},
    )


def _numeral_on_a_terminal(*arguments, folder):
    screen, terminal = os.openpty()
    try:
        subprocess.run(
            [*COMMAND, *arguments],
            stdout=terminal,
            check=True,
            timeout=60,
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(PACKAGE_DIRECTORY.parent), "COLUMNS": "120"},
        )
        return os.read(screen, 10_000).decode()
    finally:
        os.close(terminal)
        os.close(screen)


def _write(path, content):
    path.write_bytes(content)
    return str(path)


def test_a_port_that_kubernetes_set_is_ignored_with_a_warning(start):
    service = start(port="tcp://10.0.0.1:8000", service_host="10.0.0.1")

    assert "NUMERAL_PORT=tcp://10.0.0.1:8000 is ignored" in service.log
    assert "sets nothing" not in service.log
