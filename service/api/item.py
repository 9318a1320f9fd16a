"""One image of a batch, before it is read."""

from dataclasses import dataclass

from service.api.errors import InvalidItem
from service.api.schemas import ItemId


@dataclass(frozen=True, slots=True)
class Item:
    """An image file, or why there is none, with the id that its sender gave it."""

    id: ItemId | None
    content: bytes | InvalidItem
