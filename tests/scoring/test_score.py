"""`numeral score`: whatever holds pictures becomes a table."""

import copy
import json
import os
import struct
import subprocess
import sys
import zipfile
import zlib

import numpy as np
import pytest

from service.scoring.reading import Digits, Fields
from tests.cli.running import numeral
from tests.e2e.command import surroundings
from tests.e2e.running import COMMAND
from tests.generated import drawn_digits
from tests.scoring.tables import read_table
from tests.strips import bars, publish_reader

FORMATS = ("parquet", "csv", "jsonl")


@pytest.fixture
def scans(tmp_path, draw, blank):
    """A folder with folders: two digits and a blank, hidden files, a link in a circle."""
    folder = tmp_path / "scans"
    (folder / "b" / "deep").mkdir(parents=True)
    (folder / "c.png").write_bytes(draw(7))
    (folder / "b" / "deep" / "1.jpg").write_bytes(draw(1, suffix=".jpg"))
    (folder / "a.png").write_bytes(blank)
    (folder / ".DS_Store").write_bytes(b"no picture")
    (folder / "b" / "circle").symlink_to(folder)
    return folder


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_folder_becomes_a_table_in_order_of_the_names(tmp_path, scans, suffix):
    result = numeral("score", "scans", "--out", f"all.{suffix}", folder=tmp_path)

    assert result.returncode == 0, result.stderr
    assert result.stdout == ""
    rows = read_table(tmp_path / f"all.{suffix}")
    assert [(row["source"], row["digit"]) for row in rows] == [
        ("scans/a.png", None),
        ("scans/b/deep/1.jpg", 1),
        ("scans/c.png", 7),
    ]
    assert rows[0]["reasons"] == ["blank"]
    assert all(list(row) == [column.name for column in Digits.columns] for row in rows)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f".all.{suffix}.done",
        f"all.{suffix}",
        "scans",
    ]


def test_all_formats_say_the_same(tmp_path, scans):
    (scans / "bad.png").write_bytes(b"no picture")
    for suffix in FORMATS:
        numeral("score", "scans", "--out", f"all.{suffix}", folder=tmp_path)

    parquet, csv, jsonl = (read_table(tmp_path / f"all.{suffix}") for suffix in FORMATS)

    assert parquet == csv == jsonl


def test_a_parquet_file_has_the_documented_types(tmp_path, scans):
    parquet = pytest.importorskip("pyarrow.parquet")
    numeral("score", scans, "--out", tmp_path / "all.parquet")

    schema = parquet.read_schema(tmp_path / "all.parquet")

    found = {field.name: str(field.type) for field in schema}
    assert {
        name: kind.replace("element: ", "").replace("float", "float32")
        for name, kind in found.items()
    } == {each.name: each.type for each in Digits.columns}
    assert schema.field("member").metadata[b"about"]


def test_it_says_what_predict_says(tmp_path, scans):
    files = sorted(path for path in scans.rglob("[ac1].*") if "circle" not in path.parts)
    options = ("--model", "lenet5", "--max-error", "0.01")

    predicted = numeral("predict", "--json", *options, *files).stdout.splitlines()
    scored = numeral("score", *options, scans).stdout.splitlines()

    for one, other in zip(map(json.loads, predicted), map(json.loads, scored), strict=True):
        assert one.pop("file") == other.pop("source")
        assert (other.pop("member"), other.pop("error"), other.pop("detail")) == (None,) * 3
        assert one == other


def test_archives_arrays_lists_and_patterns_are_sources(tmp_path, scans, draw):
    with zipfile.ZipFile(tmp_path / "old.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("2024/4.png", draw(4))
        archive.writestr("__MACOSX/._4.png", b"of the Finder")
        archive.writestr("2024/5.png", draw(5))
    np.save(tmp_path / "mnist.npy", drawn_digits(3, seed=5).images)
    (tmp_path / "list.txt").write_text("scans/c.png\n\nmnist.npy\n")

    result = numeral(
        "score", "old.zip", "@list.txt", "scans/*.png", "@-", folder=tmp_path, stdin=b"scans/b\n"
    )

    assert result.returncode == 0, result.stderr
    assert [
        (row["source"], row["member"], row["digit"])
        for row in map(json.loads, result.stdout.splitlines())
    ] == [
        ("old.zip", "2024/4.png", 4),
        ("old.zip", "2024/5.png", 5),
        ("scans/c.png", None, 7),
        ("mnist.npy", "0", 0),
        ("mnist.npy", "1", 1),
        ("mnist.npy", "2", 2),
        ("scans/a.png", None, None),
        ("scans/c.png", None, 7),
        ("scans/b/deep/1.jpg", None, 1),
    ]


def test_what_is_bad_has_a_row_that_says_why_and_disturbs_nothing(tmp_path, scans):
    (scans / "empty.png").touch()
    (scans / "large.png").write_bytes(bytes(3000))
    (scans / "truncated.png").write_bytes((scans / "c.png").read_bytes()[:200])
    (scans / "broken.zip").write_bytes(b"PK\x03\x04")
    (scans / "float.npy").touch()
    np.save(scans / "float.npy", np.zeros((2, 28, 28)))
    (scans / "half.npy").write_bytes(_npy(np.zeros((9, 28, 28), np.uint8))[:3000])
    os.mkfifo(scans / "pipe")
    (scans / "gone.png").symlink_to("nowhere")
    (tmp_path / "list").write_text("scans\nmissing.png\n")

    result = numeral(
        "score", "@list", "--out", "all.jsonl", folder=tmp_path, NUMERAL_MAX_BODY_BYTES="2500"
    )

    assert result.returncode == 1
    rows = {row["source"]: row for row in read_table(tmp_path / "all.jsonl")}
    errors = {name.removeprefix("scans/"): row["error"] for name, row in rows.items()}
    assert errors == {
        "a.png": None,
        "b/deep/1.jpg": None,
        "broken.zip": "unreadable-archive",
        "c.png": None,
        "empty.png": "unreadable-image",
        "float.npy": "unreadable-array",
        "gone.png": "unreadable-file",
        "half.npy": "unreadable-array",
        "large.png": "file-too-large",
        "missing.png": "unreadable-file",
        "pipe": "unreadable-file",
        "truncated.png": "unreadable-image",
    }
    assert all(bool(row["detail"]) == bool(row["error"]) for row in rows.values())
    assert "float64" in rows["scans/float.npy"]["detail"]
    assert "failed              9" in result.stderr


def test_a_bomb_in_an_archive_is_not_unpacked(tmp_path, draw):
    bomb = tmp_path / "bomb.zip"
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("honest.png", bytes(200_000_000))
        archive.writestr("liar.png", bytes(200_000_000))
        archive.writestr("canvas.png", _png_of(100_000, 100_000))
        archive.writestr("7.png", draw(7))
        archive.writestr("rare.png", draw(7), zipfile.ZIP_LZMA)
    _claim_size(bomb, "liar.png", 1000)

    rows, memory = _rows_and_memory(tmp_path, "bomb.zip")

    assert {row["member"]: row["error"] for row in rows} == {
        "honest.png": "file-too-large",
        "liar.png": "unreadable-archive",
        "canvas.png": "picture-too-large",
        "7.png": None,
        "rare.png": "unreadable-archive",
    }
    assert memory < 400e6


def test_members_that_share_their_bytes_are_refused(tmp_path, draw):
    """A small archive could otherwise be read as thousands of large pictures."""
    picture = draw(7)
    with zipfile.ZipFile(tmp_path / "shared.zip", "w") as archive:
        archive.writestr("0.png", picture)
        [first] = archive.infolist()
        for number in range(1, 2000):
            info = copy.copy(first)
            info.filename = f"{number}.png"
            archive.filelist.append(info)
            archive.NameToInfo[info.filename] = info
    with zipfile.ZipFile(tmp_path / "quoted.zip", "w") as archive:
        archive.writestr("outer.png", (tmp_path / "shared.zip").read_bytes())
        inner = copy.copy(first)
        inner.header_offset = archive.infolist()[0].header_offset + 30 + len("outer.png")
        archive.filelist.append(inner)
        archive.NameToInfo[inner.filename] = inner

    result = numeral("score", "shared.zip", "quoted.zip", folder=tmp_path)

    rows = list(map(json.loads, result.stdout.splitlines()))
    assert [(row["error"], "overlap" in row["detail"]) for row in rows] == [
        ("unreadable-archive", True)
    ] * 2


def test_what_cannot_be_read_is_not_kept_in_memory(tmp_path):
    (tmp_path / "bad").mkdir()
    large = b"\x89PNG\r\n\x1a\n" + bytes(9_000_000)
    for number in range(60):
        (tmp_path / "bad" / f"{number:02}.png").write_bytes(large)

    rows, memory = _rows_and_memory(tmp_path, "bad")

    assert {row["error"] for row in rows} == {"unreadable-image"}
    assert memory < 250e6 < 60 * len(large)


def test_an_array_larger_than_what_is_held_of_it(tmp_path):
    pictures, side = 40, 4000
    with (tmp_path / "scans.npy").open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (pictures, side, side)}
        np.lib.format.write_array_header_1_0(file, header)
        # Nothing is stored of a hole.
        file.truncate(file.tell() + pictures * side * side)

    rows, memory = _rows_and_memory(tmp_path, "scans.npy")

    assert [row["member"] for row in rows] == [str(number) for number in range(pictures)]
    assert {row["reasons"][0] for row in rows} == {"blank"}
    assert memory < 500e6 < pictures * side * side


def test_names_that_are_no_text_or_look_like_something_else(tmp_path, seven):
    names = [b"caf\xe9.png", b"new\nline.png", b"[a].png", b'"q", r.png', b"=1+1.png"]
    folder = tmp_path / "odd"
    folder.mkdir()
    for name in names:
        (folder / os.fsdecode(name)).write_bytes(seven)

    for suffix in FORMATS:
        result = numeral("score", "odd", "--out", f"odd.{suffix}", folder=tmp_path)
        assert result.returncode == 0, result.stderr

    tables = [read_table(tmp_path / f"odd.{suffix}") for suffix in FORMATS]
    assert {row["digit"] for row in tables[0]} == {7}
    for suffix, table in zip(FORMATS, tables, strict=True):
        assert [row["source"] for row in table] == [
            'odd/"q", r.png',
            "odd/=1+1.png",
            "odd/[a].png",
            "odd/caf\\xe9.png",
            "odd/new\\nline.png" if suffix == "csv" else "odd/new\nline.png",
        ]


def test_a_cell_that_a_spreadsheet_would_run_is_text(tmp_path, seven):
    names = ["=1+1.png", "+1.png", "-1.png", "@SUM(A1).png", "\t=2.png", "\r=3.png", "a\x1b[2J.png"]
    for name in names:
        (tmp_path / name).write_bytes(seven)
    (tmp_path / "list").write_bytes(b"\n".join(map(os.fsencode, [*names[:5], names[6]])))

    assert numeral("score", "@list", "--out", "odd.csv", folder=tmp_path).returncode == 0

    assert [row["source"] for row in read_table(tmp_path / "odd.csv")] == [
        "'=1+1.png",
        "'+1.png",
        "'-1.png",
        "'@SUM(A1).png",
        "'\\t=2.png",
        "a\\x1b[2J.png",
    ]


def test_a_file_whose_name_is_a_pattern_is_that_file(tmp_path, seven, blank):
    (tmp_path / "[ab].png").write_bytes(seven)
    (tmp_path / "a.png").write_bytes(blank)

    [row] = numeral("score", "[ab].png", folder=tmp_path).stdout.splitlines()

    assert json.loads(row)["source"] == "[ab].png"


def test_an_empty_folder_is_an_empty_table(tmp_path):
    (tmp_path / "none").mkdir()

    result = numeral("score", "none", "--out", "none.csv", folder=tmp_path)

    assert result.returncode == 0
    assert (tmp_path / "none.csv").read_text().split(",")[0] == "source"
    assert len((tmp_path / "none.csv").read_text().splitlines()) == 1


def test_the_table_in_the_folder_is_no_picture(tmp_path, seven):
    (tmp_path / "7.png").write_bytes(seven)
    numeral("score", ".", "--out", "all.csv", folder=tmp_path)

    again = numeral("score", ".", "--out", "all.csv", "--overwrite", folder=tmp_path)

    assert again.returncode == 0
    assert [row["source"] for row in read_table(tmp_path / "all.csv")] == ["./7.png"]


def test_fields_are_read_as_read_does(tmp_path, models_copy):
    pytest.importorskip("onnx")
    publish_reader(models_copy)
    for text in ("#18014", "#43"):
        (tmp_path / f"{text[1:]}.png").write_bytes(bars(text))
    known = ("--models-dir", models_copy, "--length", "5")

    read = numeral("read", "--json", *known, tmp_path / "18014.png", tmp_path / "43.png")
    scored = numeral("score", "--fields", *known, tmp_path / "*.png", "--out", tmp_path / "f.jsonl")
    numeral("score", "--fields", *known, tmp_path / "*.png", "--out", tmp_path / "f.csv")

    assert scored.returncode == 0, scored.stderr
    rows = read_table(tmp_path / "f.jsonl")
    assert [list(row) for row in rows] == [[each.name for each in Fields.columns]] * 2
    assert rows == read_table(tmp_path / "f.csv")
    for one, other in zip(map(json.loads, read.stdout.splitlines()), rows, strict=True):
        assert {name: other[name] for name in one if name != "file"} == {
            name: value for name, value in one.items() if name != "file"
        }


def test_fields_have_a_parquet_schema_too(tmp_path, models_copy):
    parquet = pytest.importorskip("pyarrow.parquet")
    pytest.importorskip("onnx")
    publish_reader(models_copy)
    (tmp_path / "f.png").write_bytes(bars("#18014"))
    options = ("--fields", "--models-dir", models_copy, "--out", tmp_path / "f.parquet")

    result = numeral("score", tmp_path / "f.png", *options)

    assert result.returncode == 0, result.stderr
    [row] = parquet.read_table(tmp_path / "f.parquet").to_pylist()
    assert row["raw"] == "#18014"
    assert [digit["digit"] for digit in row["digits"]] == [1, 8, 0, 1, 4]
    assert [len(digit["box"]) for digit in row["digits"]] == [4] * 5
    assert read_table(tmp_path / "f.parquet") == _scored_again(tmp_path, options)


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_a_format_adds_a_column_with_the_value(tmp_path, models_copy, suffix):
    pytest.importorskip("onnx")
    publish_reader(models_copy)
    for name, text in (("a", "#18-50/100"), ("b", "#1.250")):
        (tmp_path / f"{name}.png").write_bytes(bars(text))
    table = tmp_path / f"amounts{suffix}"
    options = ("--fields", "--format", "amount", "--models-dir", models_copy, "--out", table)

    numeral("score", tmp_path / "a.png", tmp_path / "b.png", *options)

    # A cell of CSV has no type.
    rows = read_table(table)
    assert [row["value"] for row in rows] == [18.5 if suffix == ".csv" else "18.50", None]
    assert [row["reasons"] for row in rows] == [[], ["ambiguous"]]


def _scored_again(folder, options):
    *others, _, _ = options
    numeral("score", folder / "f.png", *others, "--out", folder / "f.jsonl")
    return read_table(folder / "f.jsonl")


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["nowhere"], 2, "nowhere"),
        (["*.tiff"], 2, "*.tiff"),
        (["@nowhere"], 2, "nowhere"),
        (["7.png", "--out", "x.xlsx"], 2, ".parquet, .csv or .jsonl"),
        (["7.png", "--out", "no/folder/x.csv"], 2, "no folder"),
        (["7.png", "--out", "folder.csv"], 2, "is a folder"),
        (["7.png", "--out", "/proc/x.csv"], 2, "/proc/x.csv.parts"),
        (["7.png", "--length", "5"], 2, "--fields"),
        (["7.png", "--fields", "--preprocess", "none"], 2, "--preprocess"),
        (["7.png", "--workers", "0"], 2, "--workers"),
        (["7.png", "--model", "vgg"], 3, "vgg"),
        (["7.png", "--max-error", "1e-9"], 3, "1e-09"),
        (["7.png", "--models-dir", "nowhere"], 3, "nowhere"),
    ],
)
def test_what_cannot_be_done_is_said_at_once(tmp_path, seven, arguments, status, says):
    (tmp_path / "7.png").write_bytes(seven)
    (tmp_path / "folder.csv").mkdir()
    before = sorted(tmp_path.iterdir())

    result = numeral("score", *arguments, folder=tmp_path, COLUMNS="200")

    assert result.returncode == status
    assert says in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert sorted(tmp_path.iterdir()) == before


def test_without_pyarrow_it_says_what_to_install(tmp_path, seven):
    (tmp_path / "7.png").write_bytes(seven)
    script = "import sys; sys.modules['pyarrow'] = None; from service.cli import app; app()"
    command = [sys.executable, "-c", script, "score", "7.png", "--out", "x.parquet"]

    result = subprocess.run(
        command, cwd=tmp_path, env=surroundings(), capture_output=True, check=False
    )

    assert result.returncode == 2
    assert b".venv/bin/pip install -e '.[parquet]'" in result.stderr


def _npy(array):
    from io import BytesIO

    file = BytesIO()
    np.save(file, array)
    return file.getvalue()


def _png_of(width, height):
    def chunk(kind, content):
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0"))


def _claim_size(archive, name, size):
    """Let both headers of the member `name` announce `size` bytes."""
    content = bytearray(archive.read_bytes())
    for signature, where, offset in ((b"PK\x03\x04", 30, 22), (b"PK\x01\x02", 46, 24)):
        start = content.index(name.encode(), 0 if where == 30 else content.index(b"PK\x01\x02"))
        assert content[start - where :][:4] == signature
        struct.pack_into("<I", content, start - where + offset, size)
    archive.write_bytes(content)


def _rows_and_memory(folder, source):
    """What it says of `source`, and the most memory that it had, in bytes."""
    # A process of its own that is small: what is forked from a large one counts as large.
    script = (
        "import resource, subprocess, sys; subprocess.run(sys.argv[1:]);"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)"
    )
    command = [*COMMAND, "score", str(folder / source), "--workers", "1"]
    done = subprocess.run(
        [sys.executable, "-c", script, *command], capture_output=True, check=False
    )
    kilobytes = int(done.stderr.splitlines()[-1])
    return [json.loads(line) for line in done.stdout.splitlines()], 1024 * kilobytes
