"""Options of the calls, and the answers of the service."""

from datetime import datetime
from typing import Literal, TypedDict

from pydantic import BaseModel, ConfigDict

Decision = Literal["accept", "review"]


class Options(TypedDict, total=False):
    """Options of every call that reads images; the service picks what is absent or None.

    Attributes:
        model: name of the model.
        max_error: maximum error rate among accepted answers, such as 0.001.
        calibration: name of a calibration that the service has.
        page: page of a PDF or a TIFF to read, from 1; by default the first.
        request_id: up to 128 letters, digits, dots, underscores and dashes; default: a new one.
    """

    model: str | None
    max_error: float | None
    calibration: str | None
    page: int | None
    request_id: str | None


class DigitOptions(Options, total=False):
    """Options of the calls that read digits.

    Attributes:
        preprocess: `auto` finds the ink; `none` takes 28x28 pixels, white on black, unchanged.
    """

    preprocess: Literal["auto", "none"] | None


class FieldOptions(Options, total=False):
    """Options of the calls that read fields.

    Attributes:
        length: number of digits in a field.
        min_length: minimum number of digits.
        max_length: maximum number of digits.
        checksum: check digit rule: `luhn` (card numbers) or `aba` (US routing numbers).
        format: what is written: an amount, a ZIP code or a date; anything else needs review.
        decimal: decimal mark of amounts, where `1.250` could be either.
        order: order of day, month and year in dates.
        expected: the expected amount, such as `125.75`; another one needs review.
    """

    length: int | None
    min_length: int | None
    max_length: int | None
    checksum: Literal["luhn", "aba"] | None
    format: Literal["amount", "zip", "date"] | None
    decimal: Literal[".", ","] | None
    order: Literal["dmy", "mdy", "ymd"] | None
    expected: str | None


class Correction(TypedDict, total=False):
    """The right answer for a picture; `digit`, `text` or `skip` is required.

    Attributes:
        digit: 0 to 9; None if the picture shows no digit.
        text: digits of a field without separators; if it was read with such a format, the cents
            of an amount, 12575 for 125.75, or a date as 20260326; None if the picture shows none.
        skip: True if nobody can read it, which ends its review without an answer.
        index: position of the picture in its request, from 0.
        id: id of the picture, instead of `index`.
        number: of a review, which alone tells requests with the same id apart.
        caller: name of the API key that read the picture; for keys with the role `admin`.
    """

    digit: int | None
    text: str | None
    skip: bool
    index: int
    id: str | int
    number: int
    caller: str


class Answer(BaseModel):
    """Base of all answers; ignores fields that a newer service adds."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class Fault(Answer):
    """One fault of a request: which parameter, and what is wrong with it."""

    where: str
    what: str


class Problem(Answer):
    """An error document (RFC 9457).

    Attributes:
        type: path on the service that explains this kind of problem.
        title: summary, the same for every problem of this type.
        status: HTTP status.
        detail: what was wrong this time, and what to do.
        request_id: id of the request in the service's log.
        errors: every fault, if a request can have several.
    """

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None = None
    errors: tuple[Fault, ...] | None = None

    @property
    def slug(self) -> str:
        """The last part of `type`, such as `queue-full`."""
        return self.type.rsplit("/", 1)[-1]


class Reading(Answer):
    """Base of the readings.

    Attributes:
        model: name of the model that answered.
        version: version of that model; it changes with the model file.
        confidence: calibrated probability that the answer is right; 0 without an answer.
        decision: `accept`, or `review` if a person should look.
        reasons: why it needs review, such as `low_confidence`; empty if accepted.
        request_id: id of the request in the service's log.
    """

    model: str
    version: str
    confidence: float
    decision: Decision
    reasons: tuple[str, ...]
    request_id: str = ""

    @property
    def accepted(self) -> bool:
        """Whether the decision is `accept`."""
        return self.decision == "accept"


class Prediction(Reading):
    """A digit.

    Attributes:
        digit: the most probable digit, 0 to 9; None for a blank picture.
        probabilities: of the digits 0 to 9; all 0 for a blank picture.
    """

    digit: int | None
    probabilities: tuple[float, ...]


class FieldDigit(Answer):
    """One digit of a field.

    Attributes:
        digit: 0 to 9.
        confidence: probability of this digit at its place.
        box: `(x, y, width, height)` in pixels of the picture.
    """

    digit: int
    confidence: float
    box: tuple[int, int, int, int]


class Amount(Answer):
    """An amount of money; `Decimal(amount.value)` is exact.

    Attributes:
        value: decimal text, such as `125.75`.
        units: what is before the decimal mark.
        cents: 0 to 99.
    """

    value: str
    units: int
    cents: int


class FieldAlternative(Answer):
    """Another possible text of a field, its probability, and the amount or date that it means."""

    text: str
    confidence: float
    amount: Amount | None = None
    date: str | None = None


class ReadField(Reading):
    """A field of several digits.

    Attributes:
        text: the most probable digits; None if there are none, none fit the options, or they are
            parts of a fraction.
        raw: the digits with the other symbols seen in the picture: `.,-=#/_$*x`.
        amount: with the option `format="amount"`; None if there is none, or if it is ambiguous.
        date: with the option `format="date"`, such as `2026-03-26`.
        match: whether the amount is the expected one; None if none is expected.
        digits: each digit, in order.
        alternatives: other texts, the most probable first.
    """

    text: str | None
    raw: str | None
    amount: Amount | None = None
    date: str | None = None
    match: bool | None = None
    digits: tuple[FieldDigit, ...]
    alternatives: tuple[FieldAlternative, ...]


class Place(Answer):
    """Position of a picture in a batch.

    Attributes:
        index: position in the batch or the stream, from 0.
        id: id sent with the picture, or its file name; None without either.
    """

    index: int
    id: str | int | None = None


class BatchPrediction(Prediction, Place):
    """A digit of a batch."""


class BatchField(ReadField, Place):
    """A field of a batch."""


class BatchFailure(Place):
    """A picture of a batch that could not be read; it does not affect the others.

    Attributes:
        error: what is wrong with the picture.
        request_id: id of the request in the service's log.
    """

    error: Problem
    request_id: str = ""


class Served(Answer):
    """Names of the served models and of the readers of fields."""

    models: tuple[str, ...]
    readers: tuple[str, ...] = ()


class Health(Served):
    """Readiness of the service.

    Attributes:
        ready: the models are loaded and the service is not stopping.
        models: names of the served models; empty while it is not ready.
        readers: names of the served readers of fields.
        problem: why it is not ready.
    """

    ready: bool
    problem: Problem | None = None


class KeptPrediction(Answer):
    """A reading in the feedback database.

    Attributes:
        request_id: id of the request that read the picture.
        index: position of the picture in that request, from 0.
        id: id sent with the picture, as text.
        caller: name of the API key of the request.
        time: when the picture was read.
        kind: what was read.
        read: the reading, as text; None if nothing could be read, or for the reason `audit` before
            the right answer is there.
        confidence: None for such an audit.
        image: path of the picture on the service; None if it is not stored.
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
    confidence: float | None
    decision: Decision
    reasons: tuple[str, ...]
    image: str | None = None


class KeptFeedback(KeptPrediction):
    """A reading with its right answer.

    Attributes:
        answer: the right answer, as text; None if the picture shows nothing, or was skipped.
        right: whether the reading equals the right answer; None if it was skipped.
        answered: when the right answer was sent.
    """

    answer: str | None
    right: bool | None
    answered: datetime


class Guess(Answer):
    """What else may be written."""

    text: str
    confidence: float


class Review(KeptPrediction):
    """A reading that waits for a person.

    Attributes:
        number: its number in the service's database.
        alternatives: what else may be written, the likeliest first; none for the reason `audit`.
        page: path of the picture as it was sent; None if it is not stored.
    """

    number: int
    alternatives: tuple[Guess, ...]
    page: str | None = None


class Reviews(Answer):
    """Readings that wait for a person, the newest first."""

    reviews: tuple[Review, ...]
