"""`numeral bench`, as a user runs it."""

import json

import pytest

from models.manifest import PACKAGE_DIRECTORY, load_manifest
from tests.e2e.command import numeral
from tests.strips import publish_reader

_QUICK = ("--rounds", "1", "--seconds", "0.01")


def test_every_model_and_reader_is_measured(models_copy):
    pytest.importorskip("onnx")
    publish_reader(models_copy)

    result = numeral("bench", *_QUICK, "--json", "--models-dir", models_copy)

    assert result.returncode == 0, result.stderr
    report = json.loads(result.stdout)
    names = [card.name for card in load_manifest(PACKAGE_DIRECTORY).models]
    assert [each["model"] for each in report["figures"]] == [*names, "reader"]
    for each in report["figures"]:
        assert each["batched_per_s_low"] <= each["batched_per_s"] <= each["batched_per_s_high"]
        assert all(value > 0 for value in each.values() if isinstance(value, float))
    assert 0 < report["core_share"] <= 1


def test_a_table_has_a_line_for_each_model_that_was_asked_for():
    result = numeral("bench", *_QUICK, "--model", "mlp", "--model", "cnn", "--side", "60")

    assert result.returncode == 0
    assert [line.split(b"\t")[0] for line in result.stdout.splitlines()] == [b"mlp", b"cnn"]
    assert b"60 x 60 pixels" in result.stderr


def test_a_model_that_is_not_there_is_named():
    result = numeral("bench", *_QUICK, "--model", "vgg")

    assert result.returncode == 3
    assert b"vgg" in result.stderr
