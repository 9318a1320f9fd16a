"""The tables of the feedback database, for SQLite and PostgreSQL alike."""

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
    select,
)
from sqlalchemy.schema import CreateIndex, CreateTable

SCHEMA_VERSION = 1

metadata = MetaData()

schema = Table("numeral_schema", metadata, Column("version", Integer, primary_key=True))

# `time` and `answered` are seconds since 1970. Where `answered` is set, `answer` is what is right,
# and null there means that no digit is to be seen. `image` holds the pixels that the model was
# shown, a byte each: 28 x 28, or 40 rows of a strip.
predictions = Table(
    "numeral_predictions",
    metadata,
    # SQLite numbers rows by itself only where the key is its INTEGER.
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
    # Otherwise SQLite gives the number of a deleted row to another one.
    sqlite_autoincrement=True,
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


def create(connection: Connection) -> None:
    """Create what is not there yet; several processes may do so at once.

    Raises:
        OtherSchema: what is there has another version.
    """
    for table in metadata.sorted_tables:
        connection.execute(CreateTable(table, if_not_exists=True))
        for index in table.indexes:
            connection.execute(CreateIndex(index, if_not_exists=True))
    if connection.scalar(select(schema.c.version)) is None:
        connection.execute(insert(schema), {"version": SCHEMA_VERSION})
    check(connection)


def check(connection: Connection) -> None:
    """Make sure that the database is one that this version of Numeral can use.

    Raises:
        OtherSchema: it is not.
    """
    found = connection.scalar(select(schema.c.version))
    if found != SCHEMA_VERSION:
        raise OtherSchema(
            f"its schema has version {found}, this Numeral knows {SCHEMA_VERSION}; name another"
            " database, or take the Numeral that wrote it"
        )
