"""The tables of the feedback database, for SQLite and PostgreSQL."""

import sqlalchemy as sa
from sqlalchemy.schema import CreateColumn

SCHEMA_VERSION = 1

metadata = sa.MetaData()

schema = sa.Table("numeral_schema", metadata, sa.Column("version", sa.Integer, primary_key=True))

# `time` and `answered` are seconds since 1970. Where `answered` is set, `answer` is the right
# answer, and null if no digit is visible, or if it is `skipped`: nobody can read it. `image`
# contains the pixels that the model was shown, a byte each: 28 x 28, or 40 rows of a strip. `page`
# is a JPEG of the picture that was sent, until it is answered; `alternatives` is JSON, pairs of a
# text and its confidence. Until `claimed_until`, only `claimed_by` is to review it.
predictions = sa.Table(
    "numeral_predictions",
    metadata,
    # SQLite assigns row numbers only to an INTEGER key.
    sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True),
    sa.Column("request_id", sa.String(128), nullable=False, index=True),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("item_id", sa.Text),
    sa.Column("caller", sa.Text),
    sa.Column("time", sa.Double, nullable=False, index=True),
    sa.Column("kind", sa.String(8), nullable=False),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("read", sa.Text),
    sa.Column("confidence", sa.Double, nullable=False),
    sa.Column("decision", sa.String(8), nullable=False),
    sa.Column("reasons", sa.Text, nullable=False),
    sa.Column("image", sa.LargeBinary),
    sa.Column("answer", sa.Text),
    sa.Column("answered", sa.Double),
    sa.Column("answered_by", sa.Text),
    # Databases of earlier versions get these when they are opened; all may be null.
    sa.Column("skipped", sa.Integer),
    sa.Column("alternatives", sa.Text),
    sa.Column("page", sa.LargeBinary),
    sa.Column("claimed_by", sa.Text),
    sa.Column("claimed_until", sa.Double),
    # Otherwise SQLite reuses the numbers of deleted rows.
    sqlite_autoincrement=True,
)

# Audited predictions with a right answer: a small table, as counting them in the large one would
# read all of it. Databases of earlier versions get it when they are opened.
audits = sa.Table(
    "numeral_audits",
    metadata,
    sa.Column("id", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("answered", sa.Double, nullable=False, index=True),
    sa.Column("model", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("is_error", sa.Integer, nullable=False),
)

is_open_review = sa.and_(predictions.c.decision == "review", predictions.c.answered.is_(None))

sa.Index(
    "numeral_open_reviews",
    predictions.c.id,
    sqlite_where=is_open_review,
    postgresql_where=is_open_review,
)


class OtherSchema(Exception):
    """The database was written by another version of Numeral."""


def prepare(connection: sa.Connection, *, create: bool) -> None:
    """Create missing tables and columns if `create`, and check that their version is this one's.

    Raises:
        OtherSchema: it is not.
    """
    if create:
        metadata.create_all(connection)
        known = {column["name"] for column in sa.inspect(connection).get_columns(predictions.name)}
        for column in predictions.columns:
            if column.name not in known:
                added = CreateColumn(column).compile(dialect=connection.dialect)
                connection.exec_driver_sql(f"ALTER TABLE {predictions.name} ADD COLUMN {added}")
        if connection.scalar(sa.select(schema.c.version)) is None:
            connection.execute(sa.insert(schema), {"version": SCHEMA_VERSION})
    found = connection.scalar(sa.select(schema.c.version))
    if found != SCHEMA_VERSION:
        raise OtherSchema(
            f"its schema has version {found}, this Numeral supports {SCHEMA_VERSION}; configure"
            " another database, or use the Numeral that wrote it"
        )
