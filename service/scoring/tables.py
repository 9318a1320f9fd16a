"""Tables of pictures: CSV, JSON lines and Parquet; a row has a path, or the bytes of a picture.

Whatever else a row has is carried to the results: Parquet's cells as Arrow's, text as text.
A table is read forwards, in bounded memory. This requires pyarrow, an extra.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice, starmap
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from service.extras import how_to_install, is_installed
from service.scoring.pieces import Open, UnreadableContent, reason_of

if TYPE_CHECKING:
    import pyarrow as pa

# What a column is called whose name a column of the results has.
_CLASH = "input_"

# Hugging Face stores pictures as a struct of their bytes and the name of their file.
_BYTES, _PATH = "bytes", "path"

_DELIMITERS = (b",", b";", b"\t")
_BLOCK_BYTES = 4 * 1024 * 1024
_LINES_AT_ONCE = 4096
_PICTURES_AT_ONCE = 64


class Columns(NamedTuple):
    """Where the pictures of a table are."""

    path: str | None = None  # the column of paths; None: `path`
    bytes: str | None = None  # the column of pictures; None: the only one of bytes


ANY_COLUMNS = Columns()

Cells = Mapping[str, Any]

# Each with the number of its first row: a list of rows, or Arrow's record batch.
_Batches = Iterator[tuple[int, Any]]


class Table:
    """An open table, whose rows are read in their order.

    The end of its name tells its format.

    Raises:
        UnreadableContent: it is no such table, or has no such column.
    """

    def __init__(self, path: str, opens: Open, columns: Columns) -> None:
        if not is_installed("pyarrow"):
            how = how_to_install("parquet")
            raise _bad(f"tables require pyarrow, which is not installed: {how}")
        self._columns = columns
        self._begin = self._wanted = 0
        self._batch: Any = ()
        # What is known before all is read.
        self._count: int | None = None
        self._schema: pa.Schema | None = None
        self._holds_bytes = False
        self._picture = columns.path or _PATH
        formats = {".csv": self._csv, ".parquet": self._parquet}
        self._title = path[path.rindex(".") :].lower()
        with self._explained():
            self.file = opens(path)
            self._batches = formats.get(self._title, self._json)()

    def survey(self) -> tuple[int, "pa.Schema"]:
        """Return the number of rows and the schema of what is carried; reads all of a text."""
        import pyarrow as pa  # noqa: PLC0415 - an extra, slow to import

        with self._explained():
            rows, schemas = self._count, [self._schema or pa.schema([])]
            if rows is None:
                rows = 0
                for begin, batch in self._batches:
                    rows = begin + len(batch)
                    if self._schema is None:
                        schemas.append(_inferred(batch))
            schema = pa.unify_schemas(schemas, promote_options="permissive")
            if rows and self._schema is None:
                self._check_path(schema.names)
            return rows, schema

    def can_reach(self, row: int) -> bool:
        """Tell whether `row` is still to come."""
        return self._begin <= row

    def rows(self, start: int, stop: int) -> Iterator[tuple[bytes | str | None, Cells]]:
        """Yield the rows from `start` to `stop`, or to the end; later calls start later.

        A row is its picture, or the picture's path, or None; and its cells by column.
        """
        with self._explained():
            while start < stop:
                while self._begin + len(self._batch) <= start:
                    self._wanted = start
                    found = next(self._batches, None)
                    if found is None:
                        return
                    self._begin, self._batch = found
                end = min(stop, self._begin + len(self._batch))
                batch = self._batch[start - self._begin : end - self._begin]
                for cells in batch if isinstance(batch, list) else _arrow_rows(batch):
                    yield self._picture_of(cells), cells
                start = end

    def _picture_of(self, cells: dict[str, Any]) -> bytes | str | None:
        found: Any = cells.get(self._picture)
        if hasattr(found, "as_py"):
            found = found.as_py()
        if self._holds_bytes:
            del cells[self._picture]
        if self._holds_bytes and isinstance(found, dict):
            found = found[_BYTES] or found.get(_PATH)
        return found if isinstance(found, bytes | str) else None

    def _csv(self) -> _Batches:
        import pyarrow as pa  # noqa: PLC0415
        from pyarrow import csv  # noqa: PLC0415

        line = self.file.readline(_BLOCK_BYTES)
        self.file.seek(0)
        reader = csv.open_csv(
            self.file,
            csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES),
            csv.ParseOptions(
                delimiter=max(_DELIMITERS, key=line.count).decode(), newlines_in_values=True
            ),
            # Numbers would lose leading zeros.
            csv.ConvertOptions(default_column_type=pa.string()),
        )
        self._check_path(reader.schema.names)
        self._schema = reader.schema
        return _numbered(
            batch.slice(begin, _LINES_AT_ONCE).to_pylist()
            for batch in reader
            for begin in range(0, len(batch), _LINES_AT_ONCE)
        )

    def _json(self) -> _Batches:
        lines = filter(None, map(bytes.strip, self.file))
        rows = starmap(_object, enumerate(lines, 1))
        return _numbered(iter(lambda: list(islice(rows, _LINES_AT_ONCE)), []))

    def _parquet(self) -> _Batches:
        import pyarrow as pa  # noqa: PLC0415
        from pyarrow import parquet  # noqa: PLC0415

        table = parquet.ParquetFile(self.file, buffer_size=_BLOCK_BYTES)
        columns, fields = self._columns, list(table.schema_arrow)
        pictures = [field.name for field in fields if _holds_bytes(field.type)]
        wanted = [name for name in pictures if columns.bytes in (None, name)]
        if columns.path is None and len(wanted) == 1:
            self._picture, self._holds_bytes = wanted[0], True
            fields = [field for field in fields if field.name != self._picture]
        elif columns.bytes is not None or self._picture not in table.schema_arrow.names:
            raise _bad(
                f"it has no column {columns.bytes or self._picture} of"
                f" {'pictures' if columns.bytes else 'paths, or not exactly one of pictures'}"
                f" (of pictures: {_listed(pictures)}; found: {_listed(table.schema_arrow.names)});"
                " use --column or --path-column"
            )
        self._count = table.metadata.num_rows
        self._schema = pa.schema([pa.field(each.name, _plain_type(each.type)) for each in fields])
        return self._row_groups(table)

    def _row_groups(self, table: Any) -> _Batches:  # noqa: ANN401 - not imported here
        begin = 0
        for group in range(table.num_row_groups):
            end = begin + table.metadata.row_group(group).num_rows
            if end > self._wanted:
                for batch in table.iter_batches(_PICTURES_AT_ONCE, row_groups=[group]):
                    yield begin, batch
                    begin += len(batch)
            begin = end

    def _check_path(self, names: Sequence[str]) -> None:
        if self._columns.bytes is not None:
            raise _bad("pictures are in the columns of Parquet files only; use --path-column")
        if self._picture not in names:
            raise _bad(
                f"it has no column {self._picture} (found: {_listed(names)}); use --path-column"
            )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except UnreadableContent:
            raise
        except Exception as error:
            # Which one it is depends on the format, and on where the file is.
            raise _bad(f"it cannot be read as {self._title}: {reason_of(error)}") from error


def unify(schemas: Iterable["pa.Schema"]) -> "pa.Schema":
    """Return one schema for the rows of several tables.

    Raises:
        UnreadableContent: two have different types under one name.
    """
    import pyarrow as pa  # noqa: PLC0415

    try:
        return pa.unify_schemas(list(schemas), promote_options="permissive")
    except pa.ArrowException as error:
        raise _bad(f"the tables do not go together: {reason_of(error)}") from error


def carried_columns(schema: "pa.Schema | None", taken: Iterable[str]) -> "tuple[pa.Field, ...]":
    """Return the columns of tables, with other names if the results have `taken` their names.

    The metadata `origin` of each is its name in the table.
    """
    if schema is None:
        return ()
    import pyarrow as pa  # noqa: PLC0415

    names = {*taken}
    fields = []
    for field in schema:
        name = field.name
        while name in names or (name != field.name and name in schema.names):
            name = _CLASH + name
        names.add(name)
        about = {"about": f"{field.name} of the table", "origin": field.name}
        fields.append(pa.field(name, field.type, metadata=about))
    return tuple(fields)


def _bad(detail: str) -> UnreadableContent:
    return UnreadableContent("unreadable-table", detail)


def _numbered(batches: Iterable[list[Any]]) -> _Batches:
    begin = 0
    for batch in batches:
        yield begin, batch
        begin += len(batch)


def _object(number: int, line: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(line.removeprefix(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError as error:
        raise _bad(f"its row {number} is not JSON: {reason_of(error)}") from error
    if not isinstance(found, dict):
        raise _bad(f"its row {number} is not a JSON object")
    return found


def _inferred(rows: list[dict[str, Any]]) -> "pa.Schema":
    import pyarrow as pa  # noqa: PLC0415

    kinds = {}
    for name in dict.fromkeys(name for row in rows for name in row):
        try:
            kinds[name] = pa.array([row.get(name) for row in rows]).type
        except (pa.ArrowException, OverflowError) as error:
            raise _bad(f"its column {name} has several types: {reason_of(error)}") from error
    return pa.schema(kinds.items())


def _arrow_rows(batch: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401
    for number in range(len(batch)):
        yield {name: _plain_cell(batch[name][number]) for name in batch.schema.names}


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _holds_bytes(kind: "pa.DataType") -> bool:
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_struct(kind):
        return any(each.name == _BYTES and _holds_bytes(each.type) for each in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _plain_type(kind: "pa.DataType") -> "pa.DataType":
    import pyarrow as pa  # noqa: PLC0415

    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _plain_cell(cell: Any) -> Any:  # noqa: ANN401 - a scalar
    # The dictionary of each batch is another.
    return cell.value if hasattr(cell, "dictionary") else cell
