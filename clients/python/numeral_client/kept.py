"""What the service keeps of what it read, where it is told to."""

from datetime import datetime
from typing import Literal

from numeral_client.answers import Decision
from numeral_client.problem import Answer


class KeptPrediction(Answer):
    """A prediction that is kept.

    Attributes:
        request_id: of the request that brought the picture.
        index: its place in that request, from 0.
        id: what came with it as such, as text.
        caller: name of the API key that it was made for.
        time: when it was made.
        kind: what was read.
        read: what was read, as text; None where nothing could be.
        image: path of the picture on the service; None where it is not kept.
    """

    request_id: str
    index: int
    id: str | None = None
    caller: str | None = None
    time: datetime
    kind: Literal["digit", "field"]
    model: str
    version: str
    read: str | None
    confidence: float
    decision: Decision
    reasons: tuple[str, ...]
    image: str | None = None


class KeptFeedback(KeptPrediction):
    """A prediction with the right answer for it.

    Attributes:
        answer: what is right, as text; None: nothing is to be seen.
        right: whether that is what was read.
        answered: when it was said.
    """

    answer: str | None
    right: bool
    answered: datetime


class Reviews(Answer):
    """What waits for a person, the newest first."""

    reviews: tuple[KeptPrediction, ...]
