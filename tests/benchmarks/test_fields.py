"""The benchmark of fields on drawn digits and an untrained reader."""

import shlex
import sys

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from models.fields.formats import Notation
from models.manifest import MANIFEST_NAME, load_manifest
from tests.amounts import write_amounts, write_cells
from tests.generated import drawn_mnist, write_idx
from tests.strips import UNTRAINED, bars, publish_reader

keras = pytest.importorskip("keras", reason="needs the extra 'training' (no TensorFlow here)")

from benchmarks.fields.__main__ import app  # noqa: E402
from benchmarks.fields.readers import FieldReader, NoReader, Read  # noqa: E402
from benchmarks.fields.results import Results, best_read_rate, signed, worst  # noqa: E402
from benchmarks.fields.sets import COMPOSED_SETS  # noqa: E402
from export.publish import publish  # noqa: E402
from export.reader.pipeline import export_model  # noqa: E402
from training.reader.amounts import load_amounts  # noqa: E402
from training.reader.architecture import build  # noqa: E402


def test_a_run_leaves_a_report_and_its_figures(models_copy, tmp_path):
    data = write_idx(tmp_path / "data", drawn_mnist())
    amounts = load_amounts(write_amounts(data / "orand-car-a"))
    write_cells(data / "meza")
    publish(models_copy, [exported(amounts)])
    out, sheet = tmp_path / "docs", tmp_path / "mistakes.png"
    arguments = ["--data-dir", data, "--no-verify", "--strips", 1, "--out", out]
    arguments += ["--mistakes", sheet, "--beside", other_reader(tmp_path)]

    done = CliRunner().invoke(app, [*map(str, arguments), "--models-dir", str(models_copy)])

    assert done.exit_code == 0, done.output
    results = Results.model_validate_json((out / "fields.json").read_bytes())
    assert len(results.sets) == COMPOSED_SETS + 2 == 2 * 12 + 5
    assert [one.name for one in results.sets if one.beside] == [
        *("ZIP codes, touching", "ZIP codes, touching, noisy", "real amounts", "real cells")
    ]
    assert results.sets[-1].beside.score.correct == 1  # of the cells 48012 and 48024
    assert cv2.imread(str(sheet)).shape[1] > 500
    page = (out / "fields.md").read_text()
    assert all(one.name in page for one in results.sets)
    assert "89.75%" in page


RAPIDOCR = """
from types import SimpleNamespace
RapidOCR = lambda params: lambda picture: SimpleNamespace(txts=("no. 48,012",), scores=(0.9,))
"""


def other_reader(folder):
    """Write an interpreter that has a `rapidocr`, which always reads the same."""
    (folder / "rapidocr.py").write_text(RAPIDOCR)
    run = (
        f"import runpy, sys; sys.path.insert(0, {str(folder)!r}); sys.argv = sys.argv[2:]; "
        "runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec {shlex.join([sys.executable, "-c", run])} "$@"\n')
    python.chmod(0o755)
    return python


def exported(amounts):
    keras.utils.set_random_seed(7)
    return export_model(build(), UNTRAINED, drawn_mnist(), amounts, composed=4)


def test_a_folder_without_a_reader_is_refused(models_copy):
    manifest = load_manifest(models_copy).model_copy(update={"readers": ()})
    (models_copy / MANIFEST_NAME).write_text(manifest.model_dump_json())

    with pytest.raises(NoReader, match="has no reader"):
        FieldReader(models_copy)


def test_accepted_answers_are_wrong_where_the_symbols_or_what_they_mean_are(models_copy):
    publish_reader(models_copy)
    reader = FieldReader(models_copy)
    drawn = ["#12/5", "#125-75/100", "#345"]
    strips = [cv2.imdecode(np.frombuffer(bars(text), np.uint8), 0) for text in drawn]
    free, as_amounts = reader.answers(strips), reader.answers(strips, Notation("amount"))

    right = signed(free, as_amounts, drawn)
    wrong = signed(free, as_amounts, [*drawn[:2], "#3/45"])

    assert (right.strips, right.raw_right, right.amounts) == (3, 3, 2)
    assert (right.free.accepted, right.as_amounts.accepted) == (1, 2)
    assert not any((right.free.wrong_text, right.free.wrong_raw, right.as_amounts.wrong_amount))
    assert (wrong.free.wrong_text, wrong.free.wrong_raw, wrong.as_amounts.wrong_amount) == (1, 1, 1)


def test_the_best_read_rate_has_as_many_errors_as_allowed():
    sure = np.linspace(1, 0.5, 200)
    correct = np.ones(200, bool)
    correct[[99, 120]] = False
    # One error among the first 120; two among all.
    assert best_read_rate(sure, correct, 0.01) == 1.0
    assert best_read_rate(sure, correct, 0.009) == pytest.approx(120 / 200)


def test_equal_confidences_are_accepted_together_or_not_at_all():
    sure = np.array([0.9, 0.8, 0.8, 0.8])
    assert best_read_rate(sure, np.array([True, True, False, True]), 0.1) == 0.25


def test_the_worst_mistake_is_the_most_confident():
    read = [Read("1", 0.5), Read("2", 0.9), Read("3", 0.99)]
    mistakes = worst(["a", "b", "c"], read, ["7", "7", "3"], 10)
    assert [(mistake.name, mistake.said) for mistake in mistakes] == [("b", "2"), ("a", "1")]
