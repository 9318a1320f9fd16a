"""The notebook runs from the data to an answer of the service."""

from pathlib import Path

import pytest

from models.mnist import TEST, TRAIN
from tests.mnist import find_folder

pytest.importorskip("keras", reason="requires the extra 'training' (no TensorFlow here)")
nbformat = pytest.importorskip("nbformat", reason="requires the extra 'test'")
nbclient = pytest.importorskip("nbclient", reason="requires the extra 'test'")

NOTEBOOK = Path(__file__).parents[2] / "docs" / "tutorials" / "train_and_serve.ipynb"
SMALL = "LIMIT, EPOCHS, WORK = 2_000, 1, 'notebook'"


def read():
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    return notebook, [cell for cell in notebook.cells if cell.cell_type == "code"]


def test_the_notebook_is_stored_without_output():
    notebook, cells = read()

    nbformat.validate(notebook)
    assert [cell.source for cell in cells if cell.outputs or cell.execution_count] == []


@pytest.mark.timeout(600)
def test_the_notebook_trains_exports_and_serves_a_model(tmp_path, monkeypatch):
    data_dir = find_folder(TRAIN, TEST)
    if data_dir:
        monkeypatch.setenv("NUMERAL_DATA", str(data_dir.resolve()))
    else:
        monkeypatch.delenv("NUMERAL_DATA", raising=False)
    notebook, cells = read()
    (parameters,) = (cell for cell in cells if "parameters" in cell.metadata.get("tags", []))
    parameters.source = SMALL

    nbclient.NotebookClient(
        notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}
    ).execute()

    work = tmp_path / "notebook"
    (run,) = (work / "runs" / "lenet5").iterdir()
    assert {"model.keras", "model.h5", "history.csv"} <= {path.name for path in run.iterdir()}
    assert (work / "models" / "lenet5.onnx").is_file()
    plotted = [
        output for cell in cells for output in cell.outputs if "image/png" in output.get("data", {})
    ]
    assert len(plotted) == 4
    answers = "".join(output.text for output in cells[-1].outputs).splitlines()
    assert len(answers) == 10
    # After one epoch most of the answers are right already.
    assert sum(line[0] == line[-1] for line in answers) >= 7
