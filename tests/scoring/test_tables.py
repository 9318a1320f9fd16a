"""Tables as SOURCE of `numeral score`: their rows become rows, with all of their columns."""

import csv
import datetime
import json
import os
import tracemalloc

import pytest

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

from models.manifest import PACKAGE_DIRECTORY  # noqa: E402
from service.inference.catalogue import load_catalogue  # noqa: E402
from service.inference.digits import DigitOptions  # noqa: E402
from service.scoring.checkpoint import CannotWrite  # noqa: E402
from service.scoring.contents import Contents, open_file  # noqa: E402
from service.scoring.job import Job, score_to_file  # noqa: E402
from service.scoring.pieces import Piece, UnreadableContent  # noqa: E402
from service.scoring.reading import Digits, Method  # noqa: E402
from service.scoring.tables import Columns, Table  # noqa: E402
from service.scoring.writers import Parquet  # noqa: E402
from tests.cli.running import numeral  # noqa: E402
from tests.scoring.tables import read_table  # noqa: E402

FORMATS = ("parquet", "csv", "jsonl")
MLP = ("--model", "mlp")


@pytest.fixture
def scans(tmp_path, draw):
    """A folder `in` with two digits."""
    (tmp_path / "in" / "deep").mkdir(parents=True)
    (tmp_path / "in" / "7.png").write_bytes(draw(7))
    (tmp_path / "in" / "deep" / "1.png").write_bytes(draw(1))
    return tmp_path / "in"


@pytest.mark.parametrize("out", FORMATS)
@pytest.mark.parametrize("table", FORMATS)
def test_every_row_of_a_table_is_a_row_with_all_its_columns(tmp_path, scans, table, out):
    rows = [
        {"path": "7.png", "digit": "07", "who": "=cmd()"},
        {"path": "deep/1.png", "digit": "1", "who": "-3"},
        {"path": "7.png", "digit": "07", "who": "again"},
        {"path": "", "digit": "", "who": "no path"},
        {"path": "gone.png", "digit": "", "who": "é"},
        {"path": "../in/7.png", "digit": "", "who": ""},
        {"path": str(scans / "7.png"), "digit": "", "who": ""},
    ]
    _write(scans / f"m.{table}", rows)

    result = numeral("score", f"in/m.{table}", *MLP, "--out", f"all.{out}", folder=tmp_path)

    assert result.returncode == 1, result.stderr
    found = _read(tmp_path / f"all.{out}")
    assert [row["member"] for row in found] == [str(number) for number in range(7)]
    assert [str(row["digit"] or "") for row in found] == ["7", "1", "7", "", "", "7", "7"]
    assert [row["error"] or "" for row in found] == [
        *("", "", "", "unreadable-table", "unreadable-file", "", "")
    ]
    assert [row["path"] for row in found] == [row["path"] for row in rows]
    assert [row["input_digit"] for row in found] == [row["digit"] for row in rows]
    expected = [row["who"] for row in rows]
    assert [row["who"] for row in found] == (
        ["'=cmd()", *expected[1:]] if out == "csv" else expected
    )


def test_parquet_keeps_types_and_the_struct_of_hugging_face_is_a_picture(tmp_path, scans, draw):
    image = [{"bytes": draw(3), "path": "3.png"}, {"bytes": None, "path": "7.png"}, None]
    day = datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC)
    columns = {
        "label": pa.array([1, None, 3], pa.int8()),
        "when": pa.array([day] * 3, pa.timestamp("ns")),
        "kind": pa.array(["a", "b", "a"]).dictionary_encode(),
        "box": pa.array([[1, 2], None, []]),
        "raw": pa.array([{"a": b"x"}] * 3),
    }
    parquet.write_table(pa.table({"image": image, **columns}), scans / "hf.parquet")

    for out in FORMATS:
        numeral("score", "in/hf.parquet", *MLP, "--out", f"all.{out}", folder=tmp_path)

    table = parquet.read_table(tmp_path / "all.parquet")
    assert table["digit"].to_pylist() == [3, 7, None]
    columns["kind"] = columns["kind"].dictionary_decode()
    assert {name: table[name].combine_chunks() for name in columns} == columns
    assert "image" not in table.column_names
    text = [json.loads(line) for line in (tmp_path / "all.jsonl").read_text().splitlines()]
    assert [row["label"] for row in text] == [1, None, 3]
    assert text[0]["when"].startswith("2026-01-02")
    assert text[0]["raw"] == {"a": "eA=="}
    assert [row["box"] for row in _read(tmp_path / "all.csv")] == ["[1,2]", "", "[]"]


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffscan;name\r\n7.png;café\r\n",
        "scan\tname\n7.png\tcafé",
        'scan,name\n\n"7.png","café"\n',
    ],
)
def test_csv_as_spreadsheets_write_it(tmp_path, scans, content):
    (scans / "m.csv").write_bytes(content.encode())

    result = numeral("score", "in/m.csv", "--path-column", "scan", *MLP, folder=tmp_path)

    assert result.returncode == 0, result.stderr
    row = json.loads(result.stdout)
    assert (row["digit"], row["scan"], row["name"]) == (7, "7.png", "café")


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("m.csv", b"", "Empty CSV"),
        ("m.csv", b"file,digit\n", "no column path (found: file, digit)"),
        ("m.csv", b"path,a,a\n", "duplicate field names"),
        ("m.csv", b"path,a\n7.png\n", "Expected 2 columns, got 1"),
        ("m.csv", "path\n7.png".encode("utf-16"), "utf-8"),
        ("m.csv", b"path\ncaf\xe9.png\n", "invalid UTF8"),
        ("m.jsonl", b'{"path": "7.png"}\n\n{"path"\n', "row 2 is not JSON"),
        ("m.jsonl", b'{"path": "7.png", "n": 1}\n{"n": "x"}\n', "column n has several types"),
        ("m.jsonl", b"[1]\n", "not a JSON object"),
        ("m.jsonl", b'{"path": "\xff"}\n', "row 1 is not JSON"),
        ("m.jsonl", b'{"file": "7.png"}\n', "no column path"),
        ("m.parquet", b"no table", "cannot be read as .parquet"),
    ],
)
def test_a_table_that_cannot_be_read_is_refused_at_once(tmp_path, scans, name, content, says):
    (scans / name).write_bytes(content)

    result = numeral("score", f"in/{name}", *MLP, "--out", "all.csv", folder=tmp_path)

    assert result.returncode == 2
    assert f"in/{name}" in result.stderr
    assert says in " ".join(result.stderr.split())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in"]


def test_a_table_that_has_changed_is_not_complete(tmp_path, scans):
    (scans / "m.csv").write_text("path\n7.png\n")
    arguments = ("score", "in/m.csv", *MLP, "--out", "all.csv")
    numeral(*arguments, folder=tmp_path)

    again = numeral(*arguments, folder=tmp_path)
    (scans / "m.csv").write_text("path\ndeep/1.png\n")
    changed = numeral(*arguments, folder=tmp_path)

    assert (again.returncode, changed.returncode) == (0, 2)
    assert "other pictures now" in changed.stderr


def test_an_interrupted_run_resumes_with_the_columns_of_its_table_unless_it_has_changed(
    tmp_path, scans
):
    rows = [{"path": "7.png", "n": number} for number in range(Digits.task_size + 2)]
    _write(scans / "m.parquet", rows)
    catalogue = load_catalogue(PACKAGE_DIRECTORY)
    pipeline = catalogue.digits(DigitOptions("mlp"), max_error=0.001, max_pixels=10**7)
    method, out = Method.of(pipeline, PACKAGE_DIRECTORY), tmp_path / "all.parquet"
    job = Job(method, Parquet(), 10**6, (str(scans / "m.parquet"),), 1, 1)

    def interrupts(done, total):
        if total and done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score_to_file(job, out, {}, interrupts, overwrite=False)
    found = (scans / "m.parquet").stat()
    os.utime(scans / "m.parquet", ns=(0, 0))
    with pytest.raises(CannotWrite, match="has changed"):
        score_to_file(job, out, {}, lambda *_: None, overwrite=False)
    os.utime(scans / "m.parquet", ns=(found.st_atime_ns, found.st_mtime_ns))
    summary = score_to_file(job, out, {}, lambda *_: None, overwrite=False)

    assert (summary.before, summary.tally.pictures) == (Digits.task_size, len(rows))
    assert parquet.read_table(out)["n"].to_pylist() == [row["n"] for row in rows]


def test_what_is_no_picture_in_a_folder_or_an_archive_is_skipped_and_counted(tmp_path, scans, draw):
    from zipfile import ZipFile

    junk = {
        "Thumbs.db": b"\xd0\xcf\x11\xe0",
        "desktop.ini": b"[x]",
        "notes.txt": b"hello",
        "m.csv": b"path\n7.png\n",
        "empty": b"",
    }
    for name, content in {**junk, "page": draw(5), "bad.png": b"hello"}.items():
        (scans / name).write_bytes(content)
    with ZipFile(scans / "more.zip", "w") as archive:
        for name, content in {"8.png": draw(8), **junk, "page": draw(5), "bad.gif": b"x"}.items():
            archive.writestr(name, content)

    result = numeral("score", "in", *MLP, "--out", "all.jsonl", folder=tmp_path)
    by_pattern = numeral("score", "in/*[!z][!i][!p]", *MLP, folder=tmp_path)

    assert "skipped            10" in result.stderr
    rows = read_table(tmp_path / "all.jsonl")
    names = [row["member"] or row["source"].removeprefix("in/") for row in rows]
    assert names == [*("7.png", "bad.png", "deep/1.png", "8.png", "page", "bad.gif", "page")]
    assert [name for name, row in zip(names, rows, strict=True) if row["error"]] == [
        *("bad.png", "bad.gif")
    ]
    assert "skipped             5" in by_pattern.stderr
    assert numeral("score", "in/notes.txt", *MLP, folder=tmp_path).returncode == 1


@pytest.mark.parametrize("table", FORMATS)
def test_any_rows_of_a_long_table_are_found_in_bounded_memory(tmp_path, table):
    path = tmp_path / f"m.{table}"
    if table == "parquet":
        with parquet.ParquetWriter(path, pa.schema({"path": pa.string()})) as writer:
            for start in range(0, 200_000, 20_000):
                names = [f"{number:08}.png" for number in range(start, start + 20_000)]
                writer.write_table(pa.table({"path": names}))
    else:
        line = '{{"path": "{:08}.png"}}\n' if table == "jsonl" else "{:08}.png\n"
        head = "" if table == "jsonl" else "path\n"
        path.write_text(head + "".join(line.format(number) for number in range(200_000)))

    contents = Contents(10**6)
    # What is imported meanwhile is not counted.
    list(contents.pieces(str(path), named=True))
    tracemalloc.start()
    try:
        assert [*contents.pieces(str(path), named=True)] == [(str(path), 0, 200_000)]
        pieces = [Piece(str(path), start, start + 2) for start in (5, 100_000, 199_999, 3)]
        items = [(item.member, item.cells.get("path")) for item in contents.of(pieces)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    numbers = [5, 6, 100_000, 100_001, 199_999, 200_000, 3, 4]
    assert [member for member, _ in items] == [str(number) for number in numbers]
    assert [name and str(name) for _, name in items] == [
        f"{number:08}.png" if number < 200_000 else None for number in numbers
    ]
    assert peak < 10_000_000


def test_a_column_of_pictures_is_told_from_one_of_paths(tmp_path):
    path = tmp_path / "m.parquet"
    parquet.write_table(pa.table({"path": ["x"], "scan": ["y"], "image": [b"1"]}), path)

    def picture(**columns):
        [(found, _)] = Table(str(path), open_file, Columns(**columns)).rows(0, 1)
        return found

    assert (picture(), picture(path="path"), picture(path="scan")) == (b"1", "x", "y")
    with pytest.raises(UnreadableContent, match="no column scan of pictures"):
        picture(bytes="scan")


def test_tables_that_do_not_go_together_are_refused(tmp_path, scans):
    _write(scans / "a.parquet", [{"path": "7.png", "n": 1}])
    _write(scans / "b.parquet", [{"path": "7.png", "n": "x"}])

    result = numeral("score", "in/a.parquet", "in/b.parquet", *MLP, folder=tmp_path)

    assert result.returncode == 2
    assert "do not go together" in " ".join(result.stderr.split())


def _write(path, rows):
    if path.suffix == ".parquet":
        parquet.write_table(pa.Table.from_pylist(rows), path)
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        with path.open("w", newline="") as file:
            writer = csv.DictWriter(file, rows[0].keys())
            writer.writeheader()
            writer.writerows(rows)


def _read(path):
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return list(csv.DictReader(file))
    return read_table(path)
