"""What both clients share: they build the same requests and read the same answers."""

import json
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, Generic, TypeVar, cast
from urllib.parse import quote
from uuid import uuid4

import httpx
from pydantic import BaseModel, TypeAdapter, ValidationError

from numeral_client.cards import ModelDetail, ModelList, ReaderDetail
from numeral_client.errors import ProblemError, TimedOut, UnexpectedAnswer, Unreachable
from numeral_client.images import (
    Image,
    Images,
    Item,
    Several,
    encode_batch,
    encode_file,
    encode_line,
    encode_npy,
    is_pixels,
)
from numeral_client.retry import Retry
from numeral_client.schemas import (
    BatchFailure,
    BatchField,
    BatchPrediction,
    Correction,
    DigitOptions,
    FieldOptions,
    Health,
    KeptFeedback,
    KeptPrediction,
    Place,
    Prediction,
    Problem,
    ReadField,
    Review,
    Reviews,
    Served,
)

T = TypeVar("T")
Model = TypeVar("Model", bound=BaseModel)
BatchItem = TypeVar("BatchItem", bound=Place)
SingleReading = TypeVar("SingleReading", Prediction, ReadField)

Timeout = float | httpx.Timeout

JSON = "application/json"
NDJSON = "application/x-ndjson"
NPY = "application/x-npy"
BINARY = "application/octet-stream"

# httpx sends a whole request before it reads the answer, so a stream is sent in several requests,
# each with at most so many images and about so many bytes.
IMAGES_PER_REQUEST = 256
_BYTES_PER_REQUEST = 8 << 20

_DETAIL: TypeAdapter[ModelDetail | ReaderDetail] = TypeAdapter(ModelDetail | ReaderDetail)


class Reply:
    """A response as far as it has arrived; `broken` is the error that cut it short."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.request_id = response.headers.get("X-Request-ID", "")
        self.chunks: list[bytes] = []
        self.broken: httpx.TransportError | None = None

    @property
    def body(self) -> bytes:
        """The bytes so far."""
        return b"".join(self.chunks)

    @property
    def content(self) -> bytes:
        """The body of a successful answer.

        Raises:
            ProblemError: the answer is a problem.
            UnexpectedAnswer: it is not Numeral's.
        """
        if self.status in (httpx.codes.OK, httpx.codes.CREATED):
            return self.body
        if not self.headers.get("Content-Type", "").startswith("application/problem+json"):
            raise self.unexpected()
        problem = Problem.model_validate_json(self.body)
        raise ProblemError.of(problem, _retry_after(self.headers))

    def json(self, text: bytes | None = None) -> dict[str, Any]:
        """Parse the content, or `text` as a part of it, as a JSON object."""
        try:
            document = json.loads(self.content if text is None else text)
        except ValueError as error:
            raise self.unexpected() from error
        if not isinstance(document, dict):
            raise self.unexpected()
        return document

    def unexpected(self) -> UnexpectedAnswer:
        """Return the error for an answer that is not Numeral's."""
        message = f"status {self.status}, and not an answer of Numeral: {self.body[:200]!r}"
        return UnexpectedAnswer(message, self.status, _retry_after(self.headers))


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """A request, and how to read the reply; `partial`: also one that was cut short."""

    request: httpx.Request
    read: Callable[[Reply], T]
    partial: bool = False

    @property
    def request_id(self) -> str:
        """Id of the request in the service's log."""
        return str(self.request.headers["X-Request-ID"])

    def result(self, reply: Reply) -> T:
        """Read `reply`.

        Raises:
            NumeralError: the reply is a problem, incomplete, or not Numeral's.
        """
        if reply.broken and not self.partial:
            raise unreachable(reply.broken, self.request_id) from reply.broken
        try:
            return self.read(reply)
        except ValidationError as error:
            raise reply.unexpected() from error


class BaseClient:
    """Builds the call for every method of `Client` and `AsyncClient`."""

    _http: httpx.Client | httpx.AsyncClient

    def __init__(
        self, url: str, api_key: str | None, timeout: Timeout, retry: Retry | None
    ) -> None:
        address = httpx.URL(url)
        if address.scheme not in ("http", "https") or not address.host:
            raise ValueError(f"{url!r} is no URL: write http://host:port or https://host:port")
        key = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._retry = retry or Retry()
        self._http_options: dict[str, Any] = {
            "base_url": url,
            "timeout": timeout,
            "headers": {"User-Agent": "numeral-client", **key},
        }

    def _predict(self, image: Image, options: DigitOptions) -> Call[Prediction]:
        request = self._post("/predict", options, BINARY, encode_file(image))
        return Call(request, partial(_read_single, Prediction))

    def _predict_batch(
        self, images: Images, options: DigitOptions
    ) -> Call[list[BatchPrediction | BatchFailure]]:
        if is_pixels(images):
            content_type, content = NPY, encode_npy(images)
        else:
            content_type, content = JSON, encode_batch(cast("Several", images))
        request = self._post("/predict/batch", options, content_type, content)
        return Call(request, partial(_read_batch, BatchPrediction, "predictions"))

    def _predict_stream(self, options: DigitOptions, images: int) -> "Stream[BatchPrediction]":
        return Stream(self, "/predict/batch", options, BatchPrediction, images)

    def _fields(self, image: Image, options: FieldOptions) -> Call[ReadField]:
        request = self._post("/fields", options, BINARY, encode_file(image))
        return Call(request, partial(_read_single, ReadField))

    def _fields_batch(
        self, images: Several, options: FieldOptions
    ) -> Call[list[BatchField | BatchFailure]]:
        request = self._post("/fields/batch", options, JSON, encode_batch(images))
        return Call(request, partial(_read_batch, BatchField, "fields"))

    def _fields_stream(self, options: FieldOptions, images: int) -> "Stream[BatchField]":
        return Stream(self, "/fields/batch", options, BatchField, images)

    def _models(self) -> Call[ModelList]:
        return Call(self._get("/models"), partial(_read, ModelList))

    def _model(self, name: str) -> Call[ModelDetail | ReaderDetail]:
        request = self._get(f"/models/{quote(name, safe='')}")
        return Call(request, lambda reply: _DETAIL.validate_json(reply.content))

    def _feedback(self, request_id: str, correction: Correction) -> Call[KeptFeedback]:
        content = json.dumps({"request_id": request_id, **correction}).encode()
        return Call(self._post("/feedback", {}, JSON, content), partial(_read, KeptFeedback))

    def _reviews(self, limit: int) -> Call[tuple[Review, ...]]:
        request = self._get("/reviews", params={"limit": limit})
        return Call(request, lambda reply: _read(Reviews, reply).reviews)

    def _picture(self, review: KeptPrediction) -> Call[bytes]:
        if review.image is None:
            raise ValueError("the picture is not stored: see the setting NUMERAL_FEEDBACK_IMAGES")
        return Call(self._get(review.image, accept="image/png"), lambda reply: reply.content)

    def _health(self) -> Call[Health]:
        return Call(self._get("/health/ready"), _read_health)

    def _post(
        self,
        path: str,
        options: DigitOptions | FieldOptions,
        content_type: str,
        content: bytes,
        accept: str = JSON,
    ) -> httpx.Request:
        params = {name: value for name, value in options.items() if value is not None}
        request_id = params.pop("request_id", uuid4().hex)
        headers = {"Accept": accept, "X-Request-ID": str(request_id), "Content-Type": content_type}
        return self._http.build_request(
            "POST", path, params=cast("dict[str, str]", params), headers=headers, content=content
        )

    def _get(
        self, path: str, accept: str = JSON, params: dict[str, int] | None = None
    ) -> httpx.Request:
        headers = {"Accept": accept, "X-Request-ID": uuid4().hex}
        return self._http.build_request("GET", path, params=params, headers=headers)


class Stream(Generic[BatchItem]):
    """Images sent as NDJSON in requests of bounded size; holds those without an answer.

    If a reply is cut short, its complete lines count, and the next call sends the other images.
    """

    def __init__(
        self,
        client: BaseClient,
        path: str,
        options: DigitOptions | FieldOptions,
        kind: type[BatchItem],
        images: int,
    ) -> None:
        if images < 1:
            raise ValueError(f"images_per_request is {images}: send at least one")
        self._build = partial(client._post, path, options, NDJSON, accept=NDJSON)
        self._kind = kind
        self._images = images
        self._lines: deque[bytes] = deque()
        self._bytes = 0
        self._answered = 0

    def __len__(self) -> int:
        return len(self._lines)

    @property
    def full(self) -> bool:
        """Whether to send a request before adding more images."""
        return len(self._lines) >= self._images or self._bytes >= _BYTES_PER_REQUEST

    def add(self, image: Image | Item) -> None:
        """Add an image to the next request.

        Raises:
            UnusableImage: it is no image.
            OSError: its file cannot be read.
        """
        line = encode_line(image)
        self._lines.append(line)
        self._bytes += len(line)

    def call(self) -> Call[list[BatchItem | BatchFailure]]:
        """Return a call that sends all images; it gives at least one answer, or raises."""
        return Call(self._build(content=b"".join(self._lines)), self._read, partial=True)

    def take(self, answers: list[BatchItem | BatchFailure]) -> list[BatchItem | BatchFailure]:
        """Drop the answered images, and number `answers` from the start of the stream."""
        first = self._answered
        for _ in answers:
            self._bytes -= len(self._lines.popleft())
        self._answered += len(answers)
        return [
            answer.model_copy(update={"index": first + place})
            for place, answer in enumerate(answers)
        ]

    def _read(self, reply: Reply) -> list[BatchItem | BatchFailure]:
        # After the last line break: nothing, or a line that was cut short.
        lines = reply.content.split(b"\n")[:-1]
        documents = [reply.json(line) for line in lines]
        items = [document for document in documents if "index" in document]
        if len(items) > len(self._lines):
            raise reply.unexpected()
        if items:
            return [_batch_item(self._kind, item, reply) for item in items]
        if documents:
            raise ProblemError.of(Problem.model_validate(documents[0].get("error")))
        if reply.broken:
            raise unreachable(reply.broken, reply.request_id) from reply.broken
        raise reply.unexpected()


def unreachable(cause: httpx.TransportError, request_id: str) -> Unreachable:
    """Return the error for a request that `cause` left without a complete answer."""
    kind = TimedOut if isinstance(cause, httpx.TimeoutException) else Unreachable
    return kind(f"no answer: {str(cause) or type(cause).__name__} (request {request_id})")


def _read(model: type[Model], reply: Reply) -> Model:
    return model.model_validate_json(reply.content)


def _read_single(kind: type[SingleReading], reply: Reply) -> SingleReading:
    return kind.model_validate(reply.json() | {"request_id": reply.request_id})


def _read_batch(kind: type[BatchItem], name: str, reply: Reply) -> list[BatchItem | BatchFailure]:
    items = reply.json().get(name)
    if not isinstance(items, list):
        raise reply.unexpected()
    return [_batch_item(kind, item, reply) for item in items]


def _batch_item(
    kind: type[BatchItem], item: Mapping[str, Any], reply: Reply
) -> BatchItem | BatchFailure:
    values = {**item, "request_id": reply.request_id}
    return BatchFailure.model_validate(values) if "error" in item else kind.model_validate(values)


def _read_health(reply: Reply) -> Health:
    try:
        served = _read(Served, reply)
    except ProblemError as error:
        return Health(ready=False, models=(), problem=error.problem)
    return Health(ready=True, models=served.models, readers=served.readers)


def _retry_after(headers: httpx.Headers) -> float | None:
    """Return the seconds that `Retry-After` asks for, as a number or as a date."""
    value = headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (date.astimezone(UTC) - datetime.now(UTC)).total_seconds())
