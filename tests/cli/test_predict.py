"""`numeral predict` and `numeral read`."""

import json
import os
import re
import subprocess
import sys

import cv2
import numpy as np
import pytest

from tests.cli.running import numeral
from tests.e2e.command import surroundings
from tests.e2e.running import COMMAND
from tests.imaging.documents import document, from_bytes
from tests.strips import bars, publish_reader


def test_predict_prints_digit_confidence_decision_and_file(tmp_path, draw):
    files = [_write(tmp_path / f"{digit}.png", draw(digit)) for digit in (7, 4)]

    result = numeral("predict", *files)

    assert result.returncode == 0
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert [(line[0], line[3]) for line in lines] == [("7", files[0]), ("4", files[1])]
    assert all(0 < float(line[1]) <= 1 for line in lines)
    assert [line[2] for line in lines] == ["accept", "accept"]


def test_predict_reports_bad_files_and_goes_on(tmp_path, seven):
    bad = _write(tmp_path / "bad.png", b"no picture")
    good = _write(tmp_path / "7.png", seven)
    missing = str(tmp_path / "missing.png")

    result = numeral("predict", bad, missing, str(tmp_path), good)

    assert result.returncode == 1
    assert result.stdout.startswith("7\t")
    assert bad in result.stderr
    assert missing in result.stderr
    assert f"{tmp_path}: this is a directory; numeral score reads directories" in result.stderr


@pytest.mark.parametrize(("option", "digit"), [((), "7"), (("--page", 2), "4")])
@pytest.mark.parametrize("suffix", ["pdf", "tiff"])
def test_predict_reads_one_page_of_a_document(tmp_path, draw, suffix, option, digit):
    pages = [from_bytes(draw(each)) for each in (7, 4)]
    file = _write(tmp_path / f"scan.{suffix}", document(pages, suffix))

    result = numeral("predict", *option, file)

    assert result.stdout.startswith(f"{digit}\t")
    assert result.stdout.endswith(f"\t{file}\n")


def test_read_reads_every_page_or_the_one_that_is_named(tmp_path, models_copy):
    pytest.importorskip("onnx")
    publish_reader(models_copy)
    pages = [from_bytes(bars(text)) for text in ("#12", "#34")]
    file = _write(tmp_path / "scan.tiff", document(pages, "tiff"))

    def read(*options):
        return numeral("read", "--models-dir", models_copy, *options, file)

    table, answers = read(), read("--json").stdout.splitlines()
    assert [line.split("\t")[0::4] for line in table.stdout.splitlines()] == [
        ["12", f"{file}, page 1"],
        ["34", f"{file}, page 2"],
    ]
    assert [json.loads(each)["page"] for each in answers] == [1, 2]
    assert read("--page", 2).stdout.startswith("34\t")
    missing = read("--page", 3)
    assert missing.returncode == 1
    assert missing.stderr == f"{file}: there is no page 3; the file has 2\n"


def test_predict_prints_json(tmp_path, seven, blank):
    files = [_write(tmp_path / "7.png", seven), _write(tmp_path / "blank.png", blank)]

    result = numeral("predict", "--json", "--model", "lenet5", *files)

    first, second = map(json.loads, result.stdout.splitlines())
    assert (first["file"], first["model"], first["digit"]) == (files[0], "lenet5", 7)
    assert (second["digit"], second["reasons"]) == (None, ["blank"])


def test_what_needs_review_does_not_look_like_an_answer(tmp_path, models_copy, draw, blank):
    pytest.importorskip("onnx")
    publish_reader(models_copy)
    two = np.hstack([cv2.imdecode(np.frombuffer(draw(7), np.uint8), 0)] * 2)
    pair = _write(tmp_path / "77.png", cv2.imencode(".png", two)[1].tobytes())
    empty = _write(tmp_path / "blank.png", blank)
    field = _write(tmp_path / "field.png", bars("#43"))
    options = ("--models-dir", str(models_copy), "--length", "2", "--checksum", "luhn")

    digits = numeral("predict", pair, empty).stdout.splitlines()
    [text] = numeral("read", *options, field).stdout.splitlines()

    several, nothing = (line.split("\t") for line in digits)
    assert several[0] == "?"
    assert re.fullmatch(r"review \(several_digits.*\), perhaps [0-9]", several[2])
    assert (nothing[0], nothing[2]) == ("?", "review (blank)")
    assert text.split("\t")[:2] == ["?", "?"]
    assert "review (" in text


def test_predict_reads_standard_input(seven):
    result = numeral("predict", "-", stdin=seven)

    assert result.returncode == 0
    assert result.stdout.startswith("7\t")
    assert result.stdout.endswith("\t-\n")


@pytest.mark.parametrize(
    "options", [("--model", "vgg"), ("--max-error", "1e-9"), ("--models-dir", "/nowhere")]
)
def test_predict_with_a_model_that_cannot_be_used(tmp_path, seven, options):
    result = numeral("predict", *options, _write(tmp_path / "7.png", seven))

    assert result.returncode == 3
    assert result.stderr.startswith("error: ")


@pytest.mark.parametrize("manifest", ["{", "[]", '{"default": 3, "models": [{"name": "a b"}]}'])
@pytest.mark.parametrize("command", [["models"], ["predict", "7.png"]])
def test_a_broken_manifest_is_reported_in_one_line(tmp_path, manifest, command):
    (tmp_path / "manifest.json").write_text(manifest)

    result = numeral(*command, "--models-dir", str(tmp_path))

    assert result.returncode == 3
    [line] = result.stderr.splitlines()
    assert line.startswith(f"error: {tmp_path}/manifest.json: ")
    assert len(line) < 300
    assert "pydantic" not in line


def test_predict_without_preprocessing(tmp_path, seven):
    image = cv2.imencode(".png", np.zeros((28, 28), np.uint8))[1].tobytes()
    files = [_write(tmp_path / "28.png", image), _write(tmp_path / "7.png", seven)]

    result = numeral("predict", "--preprocess", "none", *files)

    assert result.returncode == 1
    assert "28 x 28" in result.stderr
    assert result.stdout.splitlines()[0].endswith(files[0])


def test_predict_with_an_unknown_preprocessing(tmp_path, seven):
    result = numeral("predict", "--preprocess", "some", _write(tmp_path / "7.png", seven))

    assert result.returncode == 2


@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo-terminals")
def test_a_table_shows_a_file_name_in_brackets_as_it_is(tmp_path, seven):
    _write(tmp_path / "[red]x.png", seven)
    screen, terminal = os.openpty()
    try:
        subprocess.run(
            [*COMMAND, "predict", "[red]x.png"],
            stdout=terminal,
            check=True,
            timeout=60,
            cwd=tmp_path,
            env=surroundings(COLUMNS="120"),
        )
        assert "[red]x.png" in os.read(screen, 10_000).decode()
    finally:
        os.close(terminal)
        os.close(screen)


def test_read_prints_text_confidence_decision_and_file(tmp_path, models_copy):
    pytest.importorskip("onnx")
    publish_reader(models_copy)
    field = _write(tmp_path / "field.png", bars("#18014"))
    bad = _write(tmp_path / "bad.png", b"no picture")

    result = numeral("read", "--models-dir", str(models_copy), field, bad)

    assert result.returncode == 1
    text, raw, confidence, decision, file = result.stdout.rstrip("\n").split("\t")
    assert (text, raw, decision, file) == ("18014", "#18014", "accept", field)
    assert 0.9 < float(confidence) <= 1
    assert bad in result.stderr


def test_read_applies_a_checksum_and_prints_json(tmp_path, models_copy):
    pytest.importorskip("onnx")
    publish_reader(models_copy)
    field = _write(tmp_path / "field.png", bars("#43"))
    options = ("--models-dir", str(models_copy), "--json", "--checksum", "luhn")

    answer = json.loads(numeral("read", *options, field).stdout)

    assert (answer["file"], answer["model"], answer["decision"]) == (field, "reader", "review")
    assert (answer["reasons"], answer["text"]) == (["no_match"], None)


def test_read_prints_amounts(tmp_path, models_copy):
    pytest.importorskip("onnx")
    publish_reader(models_copy)
    field = _write(tmp_path / "field.png", bars("#18-50/100"))
    options = ("--models-dir", str(models_copy), "--format", "amount", field)

    accepted, other = (
        numeral("read", *options, "--expected", expected).stdout.split("\t")
        for expected in ("18.50", "18.51")
    )

    assert (accepted[0], accepted[1], accepted[3]) == ("18.50", "#18-50/100", "accept")
    assert (other[0], other[3]) == ("?", "review (mismatch), perhaps 18.50")


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (("--order", "dmy"), 2, "order requires format=date"),
        (("--length", "5", "--min-length", "6"), 2, "contradict"),
        (("--checksum", "iban"), 2, "checksum"),
        (("--model", "nobody"), 3, "reader"),
        (("--models-dir", "/nowhere"), 3, "/nowhere"),
    ],
)
def test_read_refuses_contradictions_and_unknown_readers(tmp_path, options, status, says):
    result = numeral("read", *options, _write(tmp_path / "field.png", bars("#1")))

    assert result.returncode == status
    assert says in result.stderr


def _write(path, content):
    path.write_bytes(content)
    return str(path)
