"""One image of a batch, before it is read."""

from dataclasses import dataclass

from service.api.errors import InvalidItem
from service.api.schemas import ItemId
from service.pipeline import Content


@dataclass(frozen=True, slots=True)
class Item:
    """An image, or why there is none, with the id that its sender gave it."""

    id: ItemId | None
    content: Content | InvalidItem
