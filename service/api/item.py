"""One image of a batch, before it is read."""

from typing import NamedTuple

from service.api.errors import InvalidItem
from service.api.schemas import ItemId
from service.inference.digits import Content


class Item(NamedTuple):
    """An image, or why there is none, with the id that its sender gave it."""

    id: ItemId | None
    content: Content | InvalidItem
