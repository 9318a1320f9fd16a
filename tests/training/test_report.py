"""The report of the study, on a small generated data set."""

import pytest
from rich.console import Console

from tests.generated import drawn_mnist

pytest.importorskip("keras", reason="requires the extra 'training' (no TensorFlow here)")

from models.manifest import PACKAGE_DIRECTORY, load_manifest
from training import study
from training.report import write_report
from training.study import Entry, full_runs, run_study


def test_the_report_has_a_line_for_every_finding_and_its_plots(tmp_path, monkeypatch):
    mnist = drawn_mnist()
    monkeypatch.setattr(study, "MILESTONES", (1, 2))
    monkeypatch.setattr(study, "ENTRIES", (Entry("mlp", 2), Entry("mlp", 1, limit=100)))
    findings = run_study(mnist, tmp_path / "runs", Console(quiet=True))

    page = write_report(
        findings,
        full_runs(mnist, tmp_path / "runs"),
        mnist.test,
        load_manifest(PACKAGE_DIRECTORY),
        tmp_path / "docs",
    )

    lines = page.read_text().splitlines()
    rows = [line.split(" | ") for line in lines if line.startswith("| MLP | ") and "%" in line]
    assert [row[1:4] for row in rows] == [
        ["baseline", "500", "1"], ["baseline", "500", "2"], ["baseline", "100", "1"],
    ]  # fmt: skip
    images = [line[line.index("(") + 1 : -1] for line in lines if line.startswith("![")]
    assert len(images) == 3
    for image in images:
        assert (page.parent / image).read_bytes().startswith(b"\x89PNG")
