"""The tables of the feedback database, for SQLite and PostgreSQL."""

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    and_,
    insert,
    inspect,
    select,
)
from sqlalchemy.schema import CreateColumn

SCHEMA_VERSION = 1

metadata = MetaData()

schema = Table("numeral_schema", metadata, Column("version", Integer, primary_key=True))

# `time` and `answered` are seconds since 1970. Where `answered` is set, `answer` is the right
# answer, and null if no digit is visible, or if it is `skipped`: nobody can read it. `image`
# contains the pixels that the model was shown, a byte each: 28 x 28, or 40 rows of a strip. `page`
# is a JPEG of the picture that was sent, until it is answered; `alternatives` is JSON, pairs of a
# text and its confidence. Until `claimed_until`, only `claimed_by` is to review it.
predictions = Table(
    "numeral_predictions",
    metadata,
    # SQLite assigns row numbers only to an INTEGER key.
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
    Column("request_id", String(128), nullable=False, index=True),
    Column("place", Integer, nullable=False),
    Column("item_id", Text),
    Column("caller", Text),
    Column("time", Double, nullable=False, index=True),
    Column("kind", String(8), nullable=False),
    Column("model", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("read", Text),
    Column("confidence", Double, nullable=False),
    Column("decision", String(8), nullable=False),
    Column("reasons", Text, nullable=False),
    Column("image", LargeBinary),
    Column("answer", Text),
    Column("answered", Double),
    Column("answered_by", Text),
    # Databases of earlier versions get these when they are opened; all may be null.
    Column("skipped", Integer),
    Column("alternatives", Text),
    Column("page", LargeBinary),
    Column("claimed_by", Text),
    Column("claimed_until", Double),
    # Otherwise SQLite reuses the numbers of deleted rows.
    sqlite_autoincrement=True,
)

# Audited predictions with a right answer: a small table, as counting them in the large one would
# read all of it. Databases of earlier versions get it when they are opened.
audits = Table(
    "numeral_audits",
    metadata,
    Column("id", BigInteger, primary_key=True, autoincrement=False),
    Column("answered", Double, nullable=False, index=True),
    Column("model", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("is_error", Integer, nullable=False),
)

is_open_review = and_(predictions.c.decision == "review", predictions.c.answered.is_(None))

Index(
    "numeral_open_reviews",
    predictions.c.id,
    sqlite_where=is_open_review,
    postgresql_where=is_open_review,
)


class OtherSchema(Exception):
    """The database was written by another version of Numeral."""


def prepare(connection: Connection, *, create: bool) -> None:
    """Create missing tables and columns if `create`, and check that their version is this one's.

    Raises:
        OtherSchema: it is not.
    """
    if create:
        metadata.create_all(connection)
        known = {column["name"] for column in inspect(connection).get_columns(predictions.name)}
        for column in predictions.columns:
            if column.name not in known:
                added = CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {predictions.name} ADD COLUMN {added}")
        if connection.scalar(select(schema.c.version)) is None:
            connection.execute(insert(schema), {"version": SCHEMA_VERSION})
    found = connection.scalar(select(schema.c.version))
    if found != SCHEMA_VERSION:
        raise OtherSchema(
            f"its schema has version {found}, this Numeral supports {SCHEMA_VERSION}; configure"
            " another database, or use the Numeral that wrote it"
        )
