"""What the service reads in pictures."""

from typing import Literal

from numeral_client.problem import Answer, Problem

Decision = Literal["accept", "review"]


class Reading(Answer):
    """What all readings have in common.

    Attributes:
        model: name of the model that answered.
        version: its version; another file has another version.
        confidence: calibrated probability that the answer is right; 0 where there is none.
        decision: `accept`, or `review` where a person should look.
        reasons: why it is to be reviewed, such as `low_confidence`; empty where it is accepted.
        request_id: of the request that brought the picture, as in the service's log.
    """

    model: str
    version: str
    confidence: float
    decision: Decision
    reasons: tuple[str, ...]
    request_id: str = ""

    @property
    def accepted(self) -> bool:
        """Whether it is to be believed."""
        return self.decision == "accept"


class Place(Answer):
    """Which picture of a batch it is.

    Attributes:
        index: its place in the batch or the stream, from 0.
        id: what came with it as such, or its file name; None without.
    """

    index: int
    id: str | int | None = None


class Prediction(Reading):
    """One digit.

    Attributes:
        digit: the likeliest, 0 to 9; None where the picture is blank.
        probabilities: of the digits 0 to 9; all 0 where the picture is blank.
    """

    digit: int | None
    probabilities: tuple[float, ...]


class FieldDigit(Answer):
    """One digit of a field.

    Attributes:
        digit: 0 to 9.
        confidence: its own probability where it stands.
        box: `(x, y, width, height)` in pixels of the picture.
    """

    digit: int
    confidence: float
    box: tuple[int, int, int, int]


class FieldAlternative(Answer):
    """Another text that may stand there, with its probability."""

    text: str
    confidence: float


class ReadField(Reading):
    """A field of several digits.

    Attributes:
        text: its likeliest digits; None where there are none, or none that keep to what is known.
        raw: the same with the separators `.,-=#` that were seen.
        digits: each digit of `text`, in order.
        alternatives: other texts, the likeliest first.
    """

    text: str | None
    raw: str | None
    digits: tuple[FieldDigit, ...]
    alternatives: tuple[FieldAlternative, ...]


class BatchPrediction(Prediction, Place):
    """A prediction with its place in the batch."""


class BatchField(ReadField, Place):
    """What a field says, with its place in the batch."""


class BatchFailure(Place):
    """A picture of a batch that could not be read; its neighbours were.

    Attributes:
        error: what is wrong with it.
        request_id: of the request that brought it.
    """

    error: Problem
    request_id: str = ""


class Served(Answer):
    """What is served."""

    models: tuple[str, ...]
    readers: tuple[str, ...] = ()


class Health(Served):
    """Whether pictures should be sent.

    Attributes:
        ready: the models are loaded and warm, and the service does not stop.
        models: names of the models that are served; none while it is not ready.
        readers: the same of the readers of fields.
        problem: why it is not ready.
    """

    ready: bool
    problem: Problem | None = None
