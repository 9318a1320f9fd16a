"""Pictures in an object store and in Parquet files: real S3 requests to a server on a socket."""

import zipfile
from uuid import uuid4

import pytest

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")
fsspec = pytest.importorskip("fsspec")

from service.scoring.pieces import Piece, Unread  # noqa: E402
from service.scoring.sources import NoSuchSource, pieces_of  # noqa: E402
from service.scoring.stores import StoreContents, list_source, open_source  # noqa: E402
from service.scoring.tables import Columns  # noqa: E402
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
    """An S3 with the buckets `scans` and `results`."""
    # Imported here, because every process that collects the tests would wait for it.
    server = pytest.importorskip("moto.server")
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
def scans(store, tmp_path_factory, draw):
    """The same files in the store and in a folder."""
    folder = tmp_path_factory.mktemp("scans")
    pictures = [draw(number) for number in range(6)]
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
    table = pa.table({"image": [*rows, None], "label": range(7)})
    parquet.write_table(table, folder / "d.parquet", row_group_size=2)
    for path in folder.rglob("*"):
        if path.is_file():
            store.put_object(
                Bucket="scans", Key=f"monday/{path.relative_to(folder)}", Body=path.read_bytes()
            )
    return folder


def test_a_store_is_listed_and_read_as_a_folder_is(scans):
    here, there = (_read(root) for root in (str(scans), "s3://scans/monday"))

    assert {name for name, _, _ in here} == {
        *("a.zip", "bad.png", "broken.parquet", "c.png", "d.parquet", "deep/b.png")
    }
    assert len(here) == 6 + 1 + 1 + 1 + 7 + 1
    assert here == there


def test_a_pattern_finds_files_in_a_store(scans):
    found = list_source("s3://scans/mon*/**/[bc]*.png", frozenset())

    assert [path.removeprefix("s3://scans/monday/") for path, _ in found] == [
        *("bad.png", "c.png", "deep/b.png")
    ]
    for nothing in ("s3://scans/*.gif", "s3://scans/tuesday"):
        with pytest.raises(NoSuchSource, match="no such file"):
            list(list_source(nothing, frozenset()))


@pytest.mark.parametrize("what", ["", "/", "/*.png", "/**/*.png"])
def test_what_is_listed_at_an_address_of_fsspec_can_be_read(what):
    address = f"memory://{uuid4().hex}"
    for name in ("a.png", "b.png", "results/c.png"):
        fsspec.filesystem("memory").pipe(f"{address}/{name}", name.encode())

    found = list(_paths(list_source(address + what, frozenset([f"{address}/results"]))))

    assert found == [f"{address}/a.png", f"{address}/b.png"]
    items = StoreContents(100).of([Piece(path) for path in found])
    assert [item.content for item in items] == [b"a.png", b"b.png"]


@pytest.mark.parametrize(("start", "stop"), [(0, 6), (1, 4), (3, 4), (5, 6)])
def test_any_rows_of_a_table_are_the_pictures_of_these_rows(scans, draw, start, stop):
    items = list(StoreContents(10**6).of([Piece(str(scans / "d.parquet"), start, stop)]))

    assert [item.member for item in items] == [str(row) for row in range(start, stop)]
    assert [item.content for item in items] == [draw(row) for row in range(start, stop)]


def test_rows_without_a_picture_say_why(scans, tmp_path):
    two = tmp_path / "two.parquet"
    parquet.write_table(pa.table({"front": [b"1"], "back": [b"22"]}), two)

    pieces = [Piece(str(scans / "d.parquet"), 5, 8)]
    _, null, lost = (
        item.content for item in StoreContents(10**6, Columns(bytes="image")).of(pieces)
    )
    [unnamed] = (item.content for item in StoreContents(10**6).of([Piece(str(two))]))
    columns = Columns(bytes="back")
    [large] = (item.content for item in StoreContents(1, columns).of([Piece(str(two))]))

    assert (null.detail, lost.detail) == (
        "the row has no picture",
        "the table has become shorter since it was listed",
    )
    assert "front, back" in unnamed.detail
    assert large.error == "file-too-large"


def test_a_run_reads_from_a_store_and_writes_to_one(scans, store, tmp_path):
    pytest.importorskip("ray", reason="Ray, of the extra scale, is not installed")
    options = (
        "--model",
        "mlp",
        "--engine",
        "ray",
        "--workers",
        "1",
        "--out",
        "s3://results/monday",
    )

    ran = numeral("score", "s3://scans/monday", *options, folder=tmp_path)
    again = numeral("score", "s3://scans/monday", *options, folder=tmp_path)

    assert ran.returncode == 1, ran.stderr
    assert (again.returncode, b"already complete" in again.stderr) == (0, True), again.stderr
    keys = [each["Key"] for each in store.list_objects_v2(Bucket="results")["Contents"]]
    tables = [key for key in keys if key.endswith(".parquet")]
    assert "monday/_SUCCESS" in keys
    assert not any("_numeral" in key for key in keys)
    rows = [
        row
        for key in tables
        for row in parquet.read_table(open_source(f"s3://results/{key}")).to_pylist()
    ]
    assert len(rows) == 17
    assert sorted(row["error"] for row in rows if row["error"]) == [
        *("unreadable-table", "unreadable-table", "unsupported-format")
    ]


def _paths(found):
    return [file.path for file in found]


def _read(root):
    contents = StoreContents(10**6)
    items = contents.of(pieces_of(list_source(root, frozenset()), contents))
    return [
        (
            item.source.removeprefix(f"{root}/"),
            item.member,
            "unread" if isinstance(item.content, Unread) else item.content,
        )
        for item in items
    ]
