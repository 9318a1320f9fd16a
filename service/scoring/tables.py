"""Tables of pictures: CSV, JSON lines and Parquet; a row has a path, or the bytes of a picture.

Whatever else a row has is carried to the results: Parquet's cells as Arrow's, text as text.
A table is read forwards, in bounded memory. This requires pyarrow, an extra.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

import orjson

from service.extras import how_to_install, is_installed
from service.scoring.pieces import Open, UnreadableContent

if TYPE_CHECKING:
    import pyarrow as pa

# What a column is called whose name a column of the results has.
_CLASH = "input_"

# Hugging Face stores pictures as a struct of their bytes and the name of their file.
_BYTES, _PATH = "bytes", "path"

_TEXT_SUFFIXES = (".csv", ".jsonl", ".ndjson")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BOM = b"\xef\xbb\xbf"
_DELIMITERS = (b",", b";", b"\t")

_BLOCK_BYTES = 4 * 1024 * 1024
_LINES_AT_ONCE = 4096
_PICTURES_AT_ONCE = 64


class Columns(NamedTuple):
    """Where the pictures of a table are.

    Attributes:
        path: the column of paths; None: `path`.
        bytes: the column of pictures; None: the only one of bytes.
    """

    path: str | None = None
    bytes: str | None = None


ANY_COLUMNS = Columns()


class Carried(NamedTuple):
    """A column of the results that is one of a table: its name there is `origin`."""

    name: str
    type: "pa.DataType"
    about: str
    origin: str


def is_table(path: str) -> bool:
    """Tell whether the name of the file at `path` is that of a table."""
    return path.lower().endswith((".parquet", *_TEXT_SUFFIXES))


def is_text_table(path: str) -> bool:
    """Tell whether the name is that of CSV or JSON lines: in a folder it may be anything."""
    return path.lower().endswith(_TEXT_SUFFIXES)


def carried_columns(tables: Mapping[str, "pa.Schema"], taken: Iterable[str]) -> tuple[Carried, ...]:
    """Return the columns of `tables`, renamed where a column of the results has the name.

    Raises:
        UnreadableContent: two tables have different types under one name.
    """
    if not tables:
        return ()
    import pyarrow as pa  # noqa: PLC0415 - an extra, slow to import

    try:
        schema = pa.unify_schemas(list(tables.values()), promote_options="permissive")
    except pa.ArrowException as error:
        raise UnreadableContent(
            "unreadable-table", f"the tables do not go together: {error!s:.200}"
        ) from error
    results, own = frozenset(taken), set(schema.names)
    columns = []
    for field in schema:
        name = field.name
        while name in results or (name != field.name and name in own):
            name = _CLASH + name
        own.add(name)
        columns.append(Carried(name, field.type, f"{field.name} of the table", field.name))
    return tuple(columns)


class TableRow(NamedTuple):
    """A row of a table: its picture, or the picture's path, or None; and its cells by name."""

    picture: bytes | str | None
    cells: Mapping[str, Any]


class Table:
    """An open table; each of its batches is a part of its rows.

    Args:
        file: what it is read from.
        columns: where its pictures are.

    Raises:
        UnreadableContent: it is no such table, or has no such column.
    """

    title: str

    def __init__(self, file: BinaryIO, columns: Columns) -> None:
        self._file = file
        self._begin = self._wanted = 0
        self._batch: Sequence[Any] = ()
        with self._explained():
            self._picture = self._find_picture(columns)
            self._batches = self._read()

    def survey(self) -> tuple[int, "pa.Schema"]:
        """Return the number of rows and the schema of what is carried; reads all of a text."""
        with self._explained():
            return self._survey()

    def can_reach(self, row: int) -> bool:
        """Tell whether `row` is still to come."""
        return self._begin <= row

    def rows(self, start: int, stop: int) -> Iterator[TableRow]:
        """Yield the rows from `start` to `stop`, or to the end; later calls start later."""
        with self._explained():
            while start < stop:
                while self._begin + len(self._batch) <= start:
                    self._wanted = start
                    found = next(self._batches, None)
                    if found is None:
                        return
                    self._begin, self._batch = found
                end = min(stop, self._begin + len(self._batch))
                yield from self._rows_of(self._batch[start - self._begin : end - self._begin])
                start = end

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _find_picture(self, columns: Columns) -> str:
        raise NotImplementedError

    def _survey(self) -> tuple[int, "pa.Schema"]:
        raise NotImplementedError

    def _read(self) -> Iterator[tuple[int, Sequence[Any]]]:
        """Yield batches with the number of their first row; those before `_wanted` may miss."""
        raise NotImplementedError

    def _rows_of(self, batch: Any) -> Iterator[TableRow]:  # noqa: ANN401 - lines, or Arrow's rows
        raise NotImplementedError

    def _path_among(self, names: Sequence[str], columns: Columns) -> str:
        if columns.bytes is not None:
            raise _bad(f"pictures are in the columns of Parquet files, not of {self.title}")
        name = columns.path or _PATH
        if name not in names:
            raise _bad(f"it has no column {name} (found: {_listed(names)}); use --path-column")
        return name

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except UnreadableContent:
            raise
        except Exception as error:
            # Which one it is depends on the format, and on where the file is.
            reason = getattr(error, "strerror", None) or f"{error!s:.300}"
            raise _bad(f"it cannot be read as {self.title}: {reason}") from error


class Csv(Table):
    """CSV in UTF-8 with a header, split by commas, semicolons or tabs; every cell is text."""

    title = "CSV"

    def _find_picture(self, columns: Columns) -> str:
        from pyarrow import csv  # noqa: PLC0415

        line = self._file.readline(_BLOCK_BYTES)
        self._file.seek(0)
        if line.startswith(_UTF16):
            raise _bad("it is UTF-16; save it as CSV in UTF-8")
        self._reader = csv.open_csv(
            self._file,
            csv.ReadOptions(use_threads=False, block_size=_BLOCK_BYTES),
            csv.ParseOptions(
                delimiter=max(_DELIMITERS, key=line.count).decode(), newlines_in_values=True
            ),
            # Numbers would lose leading zeros, and bytes that are no UTF-8 would end it.
            csv.ConvertOptions(default_column_type="binary"),
        )
        names: list[str] = self._reader.schema.names
        if twice := [name for name in dict.fromkeys(names) if names.count(name) > 1]:
            raise _bad(f"it has several columns {_listed(twice)}")
        return self._path_among(names, columns)

    def _survey(self) -> tuple[int, "pa.Schema"]:
        import pyarrow as pa  # noqa: PLC0415

        schema = pa.schema([(name, pa.string()) for name in self._reader.schema.names])
        return sum(len(batch) for _, batch in self._batches), schema

    def _read(self) -> Iterator[tuple[int, Sequence[Any]]]:
        begin = 0
        for batch in self._reader:
            yield begin, batch
            begin += len(batch)

    def _rows_of(self, batch: Any) -> Iterator[TableRow]:  # noqa: ANN401
        for row in batch.to_pylist():
            # A file name may be any bytes.
            path = os.fsdecode(row[self._picture])
            yield TableRow(path, {name: _text(cell) for name, cell in row.items()})


class JsonLines(Table):
    """A JSON object in each line."""

    title = "JSON lines"

    def _find_picture(self, columns: Columns) -> str:
        # Which columns there are is known at the end.
        return columns.path or _PATH if columns.bytes is None else self._path_among((), columns)

    def _survey(self) -> tuple[int, "pa.Schema"]:
        import pyarrow as pa  # noqa: PLC0415

        rows, schemas, columns = 0, [pa.schema([])], Columns(path=self._picture)
        for begin, lines in self._batches:
            objects = [self._object(line, begin + n + 1) for n, line in enumerate(lines)]
            names = dict.fromkeys(name for each in objects for name in each)
            for name in names:
                try:
                    kind = pa.array([each.get(name) for each in objects]).type
                except pa.ArrowException as error:
                    raise _bad(f"its column {name} has several types: {error!s:.200}") from error
                schemas.append(pa.schema([(name, kind)]))
            rows = begin + len(lines)
        schema = pa.unify_schemas(schemas, promote_options="permissive")
        if rows:
            self._path_among(schema.names, columns)
        return rows, schema

    def _read(self) -> Iterator[tuple[int, Sequence[Any]]]:
        lines = (line for raw in self._file if (line := raw.removeprefix(_BOM).strip()))
        begin = 0
        while batch := list(islice(lines, _LINES_AT_ONCE)):
            yield begin, batch
            begin += len(batch)

    def _rows_of(self, batch: Any) -> Iterator[TableRow]:  # noqa: ANN401
        for line in batch:
            cells = self._object(line)
            path = cells.get(self._picture)
            yield TableRow(path if isinstance(path, str) else None, cells)

    def _object(self, line: bytes, number: int = 0) -> dict[str, Any]:
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise _bad(f"its row {number} is not JSON: {error!s:.200}") from error
        if not isinstance(found, dict):
            raise _bad(f"its row {number} is not a JSON object")
        return found


class Parquet(Table):
    """Parquet; cells keep their types."""

    title = "Parquet"

    def _find_picture(self, columns: Columns) -> str:
        from pyarrow import parquet  # noqa: PLC0415

        self._table = parquet.ParquetFile(self._file, buffer_size=_BLOCK_BYTES)
        schema = self._table.schema_arrow
        pictures = [field.name for field in schema if _holds_bytes(field.type)]
        wanted = [name for name in pictures if columns.bytes in (None, name)]
        self._holds_bytes = columns.path is None and len(wanted) == 1
        if self._holds_bytes:
            return str(wanted[0])
        if columns.bytes is None and (columns.path or _PATH) in schema.names:
            return self._path_among(schema.names, columns)
        expected = (
            f"a column {columns.bytes} of bytes"
            if columns.bytes is not None
            else f"a column {columns.path or _PATH}, or exactly one column of bytes"
        )
        raise _bad(
            f"it does not have {expected} (of bytes: {_listed(pictures)}; found:"
            f" {_listed(schema.names)}); use --column or --path-column"
        )

    def _survey(self) -> tuple[int, "pa.Schema"]:
        import pyarrow as pa  # noqa: PLC0415

        fields = [
            pa.field(each.name, _plain_type(each.type))
            for each in self._table.schema_arrow
            if not (self._holds_bytes and each.name == self._picture)
        ]
        return int(self._table.metadata.num_rows), pa.schema(fields)

    def _read(self) -> Iterator[tuple[int, Sequence[Any]]]:
        begin = 0
        for group in range(self._table.num_row_groups):
            end = begin + self._table.metadata.row_group(group).num_rows
            if end > self._wanted:
                for batch in self._table.iter_batches(_PICTURES_AT_ONCE, row_groups=[group]):
                    yield begin, batch
                    begin += len(batch)
            begin = end

    def _rows_of(self, batch: Any) -> Iterator[TableRow]:  # noqa: ANN401
        names = batch.schema.names
        for number in range(len(batch)):
            cells = {name: _plain_cell(batch.column(name)[number]) for name in names}
            found = cells[self._picture].as_py()
            if self._holds_bytes:
                del cells[self._picture]
            if isinstance(found, dict):
                found = found[_BYTES] or found.get(_PATH)
            yield TableRow(found if isinstance(found, bytes | str) else None, cells)


def open_table(path: str, opens: Open, columns: Columns) -> Table:
    """Open the table at `path`, by the end of its name.

    Raises:
        UnreadableContent: it is no such table, or has no such column.
    """
    if not is_installed("pyarrow"):
        raise _bad(f"tables require pyarrow, which is not installed: {how_to_install('parquet')}")
    suffix = PurePath(path).suffix.lower()
    kind = Parquet if suffix == ".parquet" else Csv if suffix == ".csv" else JsonLines
    try:
        file = opens(path)
    except Exception as error:
        reason = getattr(error, "strerror", None) or f"{error!s:.200}"
        raise _bad(f"it cannot be opened ({reason})") from error
    try:
        return kind(file, columns)
    except UnreadableContent:
        file.close()
        raise


def _bad(detail: str) -> UnreadableContent:
    return UnreadableContent("unreadable-table", detail)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) or "none"


def _text(cell: bytes) -> str:
    return cell.decode("utf-8", "backslashreplace")


def _holds_bytes(kind: "pa.DataType") -> bool:
    import pyarrow as pa  # noqa: PLC0415

    if pa.types.is_struct(kind):
        return any(each.name == _BYTES and _holds_bytes(each.type) for each in kind)
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _plain_type(kind: "pa.DataType") -> "pa.DataType":
    import pyarrow as pa  # noqa: PLC0415

    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _plain_cell(cell: Any) -> Any:  # noqa: ANN401 - a scalar
    import pyarrow as pa  # noqa: PLC0415

    # The dictionary of each batch is another.
    return cell.value if isinstance(cell, pa.DictionaryScalar) else cell
