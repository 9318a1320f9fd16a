"""What is told of a picture: one row, with the same columns in every format."""

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from models.manifest import ModelCard
from models.reader_card import ReaderCard
from service.imaging import UnreadableImage
from service.scoring.contents import Item

# By the names of the columns.
Row = Mapping[str, Any]


class Column(NamedTuple):
    """A column: its name, its type as Arrow calls it, and what stands in it.

    What has no value is null; an empty cell in CSV, where lists are written as JSON.
    """

    name: str
    type: str
    about: str


PLACE = (
    Column("source", "string", "the file, archive or array, as it was named or found"),
    Column("member", "string", "the name in the archive, or the number in the array, from 0"),
    Column("model", "string", "the model that was asked"),
    Column("version", "string", "the model's version"),
)
JUDGEMENT = (
    Column("confidence", "float32", "the probability that the reading is right"),
    Column("decision", "string", "`accept`, or `review` where a person should look"),
    Column("reasons", "list<string>", "why it is to be reviewed; empty where it is accepted"),
)
FAULT = (
    Column("error", "string", "why it could not be read, in a word that stays; null where it was"),
    Column("detail", "string", "the same in a sentence"),
)

NO_FAULT: Row = {"error": None, "detail": None}


def place(item: Item) -> dict[str, str | None]:
    """Which picture it is."""
    return {
        "source": _text(item.source),
        "member": None if item.member is None else _text(item.member),
    }


def unread_row(
    item: Item, card: ModelCard | ReaderCard, columns: Sequence[Column], error: UnreadableImage
) -> Row:
    """The row of a picture that could not be read."""
    return {
        **dict.fromkeys(column.name for column in columns),
        **place(item),
        "model": card.name,
        "version": card.version,
        "error": error.slug,
        "detail": _text(error.reason),
    }


def _text(path: str) -> str:
    # A file name need not be text; a table's cell has to.
    return os.fsencode(path).decode("utf-8", "backslashreplace")
