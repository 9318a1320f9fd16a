"""The calls about what was read earlier."""

import json
from typing import TypedDict
from uuid import uuid4

from numeral_client.calls import JSON, get
from numeral_client.exchange import Ask, Call, body_of
from numeral_client.kept import KeptFeedback, KeptPrediction, Reviews


class Right(TypedDict, total=False):
    """What is right, and for which picture; either `digit` or `text` is to be given.

    Attributes:
        digit: the digit, 0 to 9; None: no digit is to be seen.
        text: the digits of a field, without separators; None: none are to be seen.
        index: which picture of its request, from 0.
        id: the same by the id that the picture came with.
        caller: name of the key that it was read for; for keys of the role `admin`.
    """

    digit: int | None
    text: str | None
    index: int
    id: str | int
    caller: str


def feedback(request_id: str, right: Right) -> Call[KeptFeedback]:
    """The right answer for a picture of the request `request_id`."""
    content = json.dumps({"request_id": request_id, **right}).encode()
    headers = {"Content-Type": JSON, "Accept": JSON}
    ask = Ask("POST", "/feedback", uuid4().hex, headers=headers, content=content)
    return Call(ask, lambda reply: KeptFeedback.model_validate_json(body_of(reply)))


def reviews(limit: int) -> Call[tuple[KeptPrediction, ...]]:
    """What waits for a person."""
    ask = get("/reviews", limit=limit)
    return Call(ask, lambda reply: Reviews.model_validate_json(body_of(reply)).reviews)


def picture(review: KeptPrediction) -> Call[bytes]:
    """The picture of a prediction that is kept."""
    if review.image is None:
        raise ValueError("the picture is not kept; see the service's NUMERAL_FEEDBACK_IMAGES")
    return Call(get(review.image, "image/png"), body_of)
