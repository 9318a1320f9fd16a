"""Pictures in an object store and in Parquet files: real S3 requests to a server on a socket."""

import zipfile

import pytest

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
server = pytest.importorskip("moto.server")
pytest.importorskip("fsspec")

from benchmarks.pictures import draw_digits  # noqa: E402
from service.imaging import UnreadableImage  # noqa: E402
from service.scoring.pieces import Piece  # noqa: E402
from service.scoring.ray.listing import list_everywhere  # noqa: E402
from service.scoring.ray.reading import Reader  # noqa: E402
from service.scoring.ray.stores import Stores  # noqa: E402
from service.scoring.sources import NoSuchSource  # noqa: E402
from tests.e2e.command import numeral  # noqa: E402

KEYS = {
    "AWS_ACCESS_KEY_ID": "somebody",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "ARROW_S3_ALLOW_BUCKET_CREATION": "1",
}


@pytest.fixture(scope="module")
def store():
    """An S3 with a bucket `scans`: two pictures, an archive, a table, and something hidden."""
    import boto3

    running = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**KEYS, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}.items():
            patch.setenv(name, value)
        client = boto3.client("s3")
        for bucket in ("scans", "results"):
            where = {"LocationConstraint": KEYS["AWS_DEFAULT_REGION"]}
            client.create_bucket(Bucket=bucket, CreateBucketConfiguration=where)
        yield client
    running.stop()


@pytest.fixture(scope="module")
def scans(store, tmp_path_factory):
    """The same files in the store and in a folder."""
    folder = tmp_path_factory.mktemp("scans")
    pictures = draw_digits(6, 40)
    (folder / "deep").mkdir()
    (folder / "deep" / "b.png").write_bytes(pictures[0])
    (folder / "c.png").write_bytes(pictures[1])
    (folder / ".hidden").write_bytes(b"")
    (folder / "bad.png").write_bytes(b"no picture")
    (folder / "broken.parquet").write_bytes(b"no table")
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        for number, picture in enumerate(pictures):
            archive.writestr(f"{number}.png", picture)
    rows = [{"bytes": picture, "path": None} for picture in pictures]
    table = pa.table({"image": [*rows, None], "label": range(7), "other": [b""] * 7})
    parquet.write_table(table.select(["image", "label"]), folder / "d.parquet", row_group_size=2)
    for path in folder.rglob("*"):
        if path.is_file():
            store.put_object(
                Bucket="scans", Key=f"monday/{path.relative_to(folder)}", Body=path.read_bytes()
            )
    return folder


def test_a_store_is_listed_and_read_as_a_folder_is(scans):
    stores = Stores()
    here, there = (
        list(list_everywhere([source], frozenset(), stores))
        for source in (str(scans), "s3://scans/monday")
    )
    read = Reader(column=None, max_bytes=10**6)

    assert _below(there, "s3://scans/monday") == _below(here, str(scans))
    assert [name for name, *_ in _below(here, str(scans))] == [
        "a.zip",
        "bad.png",
        "broken.parquet",
        "c.png",
        "d.parquet",
        "deep/b.png",
    ]
    assert _told(read(tuple(there))) == _told(read(tuple(here)))


def test_a_pattern_finds_files_in_a_store(scans):
    found = list_everywhere(["s3://scans/mon*/**/[bc]*.png"], frozenset(), Stores())

    assert [piece.source.removeprefix("s3://scans/monday/") for piece in found] == [
        "bad.png",
        "c.png",
        "deep/b.png",
    ]
    with pytest.raises(NoSuchSource, match="no file fits"):
        list(list_everywhere(["s3://scans/*.gif"], frozenset(), Stores()))
    with pytest.raises(NoSuchSource, match="s3://scans/tuesday"):
        list(list_everywhere(["s3://scans/tuesday"], frozenset(), Stores()))


def test_any_rows_of_a_table_are_the_pictures_of_these_rows(scans):
    pictures = draw_digits(6, 40)
    table = str(scans / "d.parquet")

    for start, stop in ((0, 6), (1, 4), (3, 4), (5, 6)):
        items = list(Reader(None, 10**6)((Piece(table, start, stop),)))
        assert [item.member for item in items] == [str(row) for row in range(start, stop)]
        assert [item.content for item in items] == pictures[start:stop]


def test_rows_without_a_picture_say_why(scans, tmp_path):
    pictures = pa.table({"front": [b"1"], "back": [b"22"]})
    parquet.write_table(pictures, tmp_path / "two.parquet")
    piece = (Piece(str(tmp_path / "two.parquet"), 0, 2),)

    [_, null, lost] = _told(Reader("image", 10**6)((Piece(str(scans / "d.parquet"), 5, 8),)))
    assert (null[1:], lost[1:]) == (
        ("6", "there is no picture in the row"),
        ("7", "the table has become shorter since it was listed"),
    )
    assert all("front, back" in told for _, _, told in _told(Reader(None, 10**6)(piece)))
    [large, _] = _told(Reader("back", 1)(piece))
    assert "NUMERAL_MAX_BODY_BYTES" in large[2]


def test_a_run_reads_from_a_store_and_writes_to_one(scans, store, tmp_path):
    options = ("--model", "mlp", "--engine", "ray", "--workers", "1", "--out")
    there = numeral("score", "s3://scans/monday", *options, "s3://results/monday", folder=tmp_path)
    local = numeral("score", scans, "--model", "mlp", "--out", tmp_path / "local.parquet")
    assert there.returncode == local.returncode == 1, there.stderr

    keys = [each["Key"] for each in store.list_objects_v2(Bucket="results")["Contents"]]
    # The first is Arrow's way to say that there is such a folder.
    assert sorted(keys) == ["monday/", "monday/00000000.parquet", "monday/_SUCCESS"]
    found = _rows(Stores().open("s3://results/monday/00000000.parquet"), "s3://scans/monday")
    # The local engine takes a table for a picture that it cannot read.
    assert [row for row in found if ".parquet" not in row["source"]] == [
        row
        for row in _rows(tmp_path / "local.parquet", str(scans))
        if ".parquet" not in row["source"]
    ]
    tables = [row for row in found if ".parquet" in row["source"]]
    assert [row["error"] for row in tables] == ["unreadable-table", *[None] * 6, "unreadable-table"]


def _below(pieces, folder):
    return [(piece.source.removeprefix(f"{folder}/"), *piece[1:]) for piece in pieces]


def _told(items):
    return [
        (
            item.source.rpartition("monday/")[2].rpartition("scans0/")[2],
            item.member,
            item.content.reason if isinstance(item.content, UnreadableImage) else item.content,
        )
        for item in items
    ]


def _rows(file, folder):
    rows = parquet.read_table(file).to_pylist()
    return [{**row, "source": row["source"].removeprefix(f"{folder}/")} for row in rows]
