"""Which of the predictions that are kept is meant."""

from typing import NamedTuple


class Question(NamedTuple):
    """Which prediction is meant.

    Attributes:
        request_id: of the request that it answered.
        place: of the image in a batch, if need be.
        item_id: the same by the id that came with the image.
        caller: whose it is; None for a service without keys.
        anyone: whether those of all callers count.
    """

    request_id: str
    place: int | None = None
    item_id: str | int | None = None
    caller: str | None = None
    anyone: bool = False
