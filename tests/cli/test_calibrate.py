"""`numeral calibrate`, on drawn digits, and the service with what it writes."""

import json

import pytest

from models.error_rates import trials_needed
from tests.cli.running import numeral
from tests.strips import bars, publish_reader


@pytest.fixture
def labels(tmp_path, draw):
    """A table of ten drawn digits, each of four sizes."""
    rows = []
    for place in range(40):
        name = f"{place}.png"
        (tmp_path / name).write_bytes(draw(place % 10, side=80 + 10 * (place // 10)))
        rows.append(f"{name},{place % 10},clerk")
    path = tmp_path / "labels.csv"
    path.write_text("\ufeffpath,label,by\n" + "\n".join(rows) + "\n")
    return path


def calibrate(*arguments):
    return numeral("calibrate", *map(str, arguments))


def test_too_few_pictures_show_nothing_and_the_table_says_how_many_are_missing(labels, tmp_path):
    out = tmp_path / "mine.json"

    result = calibrate(labels, "--model", "mlp", "--out", out)

    written = json.loads(out.read_text())
    assert (result.returncode, written["model"], written["pictures"]) == (1, "mlp", 40)
    strictest = written["operating_points"][-1]
    needed = trials_needed(0, strictest["max_error"])
    assert needed - 40 <= strictest["missing"] <= needed
    assert f"{strictest['missing']:,}" in result.stdout
    assert f"{written['right']} of 40 pictures read correctly" in result.stderr


def test_a_picture_that_cannot_be_read_is_named_and_counted(labels, tmp_path):
    (tmp_path / "3.png").write_bytes(b"no picture")
    (tmp_path / "4.png").unlink()

    result = calibrate(labels, "--out", tmp_path / "mine.json")

    assert "3.png: " in result.stderr
    assert "4.png: " in result.stderr
    assert "2 could not be read" in result.stderr


def test_fields_are_calibrated_with_a_reader_from_parquet(tmp_path, models_copy):
    pytest.importorskip("onnx")
    pyarrow = pytest.importorskip("pyarrow", reason="requires the extra 'parquet'")
    from pyarrow import parquet

    publish_reader(models_copy)
    texts = [f"{number}" for number in range(100, 140)]
    for text in texts:
        (tmp_path / f"{text}.png").write_bytes(bars(f"#{text}"))
    table = {"file": [f"{text}.png" for text in texts], "text": [int(text) for text in texts]}
    parquet.write_table(pyarrow.table(table), tmp_path / "amounts.parquet")

    calibrate(
        *(tmp_path / "amounts.parquet", "--model", "reader", "--models-dir", models_copy),
        *("--path-column", "file", "--label-column", "text", "--out", tmp_path / "amounts.json"),
    )

    written = json.loads((tmp_path / "amounts.json").read_text())
    assert (written["model"], written["right"]) == ("reader", 40)
    # The bars are all equally high and black.
    assert written["distributions"]["height"]["pictures"] == [0, 40]
    assert set(written["distributions"]) == {"confidence", "height", "contrast"}


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("file,label\n1.png,1\n", "no column path; its columns are file, label"),
        ("path,label\n1.png,seven\n", "row 1: '1.png' has the label 'seven'"),
        ("path,label\n,1\n", "row 1"),
        ('path,label\n"1.png,1\n', "unexpected end of data"),
        ("path,label\n", "no labelled picture could be read"),
    ],
)
def test_a_table_that_is_wrong_is_refused_with_its_place(tmp_path, table, says):
    (tmp_path / "labels.csv").write_text(table)

    result = calibrate(tmp_path / "labels.csv", "--out", tmp_path / "mine.json")

    assert result.returncode == 2
    assert says in " ".join(result.stderr.replace("│", " ").split())
    assert not (tmp_path / "mine.json").exists()


def test_nothing_is_overwritten_unasked(labels, tmp_path):
    (tmp_path / "mine.json").write_text("precious")

    refused = calibrate(labels, "--out", tmp_path / "mine.json")
    missing = calibrate(labels, "--out", tmp_path / "no" / "mine.json")

    assert (refused.returncode, missing.returncode) == (2, 2)
    assert (tmp_path / "mine.json").read_text() == "precious"


def test_a_request_names_a_calibration_and_models_lists_it(labels, tmp_path, app_client, seven):
    folder = tmp_path / "calibrations"
    folder.mkdir()
    calibrate(labels, "--model", "mlp", "--out", folder / "mine.json")
    (folder / "broken.json").write_text("{")
    client = app_client(calibrations=folder)

    broken, mine = sorted(client.get("/models").json()["calibrations"], key=lambda c: c["name"])
    answer = client.post("/predict?calibration=mine", content=seven).json()
    refused = client.post("/predict?calibration=broken", content=seven)

    assert (mine["model"], mine["pictures"], mine["default"]) == ("mlp", 40, False)
    assert "not JSON" in broken["reason"]
    # It shows nothing, so it accepts nothing.
    assert (answer["model"], answer["decision"]) == ("mlp", "review")
    assert refused.status_code == 422
    assert refused.json()["type"] == "/problems/unusable-calibration"
