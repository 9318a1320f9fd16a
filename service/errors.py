"""Every error that a caller can see: its HTTP status, its slug and what it means.

A class's docstring is its explanation, which `GET /problems/{slug}` shows.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

from service.validation import Fault, faults_of

_RETRY_SOON: Mapping[str, str] = {"Retry-After": "1"}
_CLOSE: Mapping[str, str] = {"Connection": "close"}


class NumeralError(Exception):
    """Base class of all errors that become RFC 9457 problems.

    Attributes:
        status: HTTP status.
        slug: last part of the problem type; stable, clients compare it.
        title: same for every problem of the type.
        explanation: what the type means and what to do about it.
        headers: response headers, besides those of every response.
    """

    status: ClassVar[int]
    slug: ClassVar[str]
    title: ClassVar[str]
    explanation: ClassVar[str]
    headers: Mapping[str, str] = {}

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.explanation = " ".join((cls.__doc__ or "").split())

    def __str__(self) -> str:
        return super().__str__() or self.explanation


# The request itself


class BadRequest(NumeralError):
    """Not an HTTP/1.1 request, or its head is too long or too slow; the connection is closed."""

    status, slug, title, headers = 400, "bad-request", "Bad request", _CLOSE


class NotFound(NumeralError):
    """GET /docs lists the available paths."""

    status, slug, title = 404, "not-found", "No such path"


class MethodNotAllowed(NumeralError):
    """The Allow header lists the allowed methods."""

    status, slug, title = 405, "method-not-allowed", "Method not allowed"


class NotAcceptable(NumeralError):
    """Answers are JSON; batches also NDJSON, /normalise PNG, /tables CSV.

    The Accept header excludes them.
    """

    status, slug, title = 406, "not-acceptable", "Not acceptable"


class UnsupportedMediaType(NumeralError):
    """This path does not read the body's Content-Type, or the body is compressed."""

    status, slug, title = 415, "unsupported-media-type", "Unsupported media type"


class MalformedBody(NumeralError):
    """The body does not match its Content-Type; the detail says where."""

    status, slug, title = 400, "malformed-body", "Malformed body"


class BodyTooSlow(NumeralError):
    """Send the body faster, or in smaller batches. NUMERAL_BODY_TIMEOUT sets the limit."""

    status, slug, title, headers = 408, "body-too-slow", "Body too slow", _CLOSE


class BodyTooLarge(NumeralError):
    """Send a smaller picture or batch, or a stream. NUMERAL_MAX_BODY_BYTES sets the limit."""

    status, slug, title = 413, "body-too-large", "Body too large"


class TooManyBodies(NumeralError):
    """Too many bytes are being received; retry after Retry-After.

    NUMERAL_MAX_TOTAL_BODY_BYTES sets the limit.
    """

    status, slug, title, headers = 503, "too-many-bodies", "Too many bodies", _RETRY_SOON


class ClientDisconnected(NumeralError):
    """The client closed the connection before the response; only the log shows this."""

    status, slug, title = 499, "client-disconnected", "Client disconnected"


class InvalidRequest(NumeralError):
    """A parameter or a part of the body is missing, unknown or out of range."""

    status, slug, title = 422, "invalid-request", "Invalid request"

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.where}: {fault.what}" for fault in faults))
        self.faults = tuple(faults)

    @classmethod
    def of(cls, where: str, what: str) -> Self:
        """Return the error with a single fault."""
        return cls([Fault(where=where, what=what)])

    @classmethod
    def from_pydantic(cls, errors: Iterable[Any]) -> Self:
        """Translate pydantic's errors, without the values: they may hold an image."""
        return cls(faults_of(errors))


# API keys


class KeyRequired(NumeralError):
    """Send a key as `Authorization: Bearer <key>` or as `X-API-Key: <key>`."""

    status, slug, title = 401, "key-required", "API key missing or wrong"
    headers = {"WWW-Authenticate": 'Bearer realm="Numeral"'}


class RoleRequired(NumeralError):
    """A key has the role predict, metrics or admin, which includes the others. Use another key."""

    status, slug, title = 403, "role-required", "Not for this key"


class QuotaExceeded(NumeralError):
    """The key has used up its images for now; Retry-After says for how long."""

    status, slug, title, headers = 429, "quota-exceeded", "Quota exceeded", _RETRY_SOON

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.headers = {"Retry-After": str(retry_after)}


class AdminOff(NumeralError):
    """Paths under /admin and /reviews require an API key with the role admin.

    No API keys are configured. SIGHUP reloads the models without one.
    """

    status, slug, title = 403, "admin-off", "Administration is off"


# Pictures and batches


class UnreadableImage(NumeralError):
    """The image is damaged, incomplete, empty or encrypted, or has no such `page`.

    With `preprocess=none`, it is not 28 x 28.
    """

    status, slug, title = 422, "unreadable-image", "Unreadable image"

    @property
    def reason(self) -> str:
        """Why it cannot be read."""
        return str(self)


class UnsupportedFormat(UnreadableImage):
    """Images may be PNG, JPEG, BMP, GIF, WebP, TIFF, HEIC, AVIF or PDF."""

    status, slug, title = 422, "unsupported-format", "Unsupported image format"


class PictureTooLarge(UnreadableImage):
    """Send the picture with fewer pixels. NUMERAL_MAX_PIXELS sets the limit."""

    status, slug, title = 413, "picture-too-large", "Picture too large"


class NoTable(UnreadableImage):
    """`/tables` reads one table to a page, with ruled lines around all cells."""

    status, slug, title = 422, "no-table", "No table found"


class BatchTooLarge(NumeralError):
    """Split the batch, or send it as a stream. NUMERAL_MAX_BATCH sets the limit."""

    status, slug, title = 413, "batch-too-large", "Batch too large"


class InvalidItem(NumeralError):
    """An image is a file, Base64 or a `data:` URL; a batch also takes objects with `id`."""

    status, slug, title = 422, "invalid-item", "Invalid item"


class LineTooLong(InvalidItem):
    """Send a smaller picture. NUMERAL_MAX_BODY_BYTES limits each line of a stream."""

    status, slug, title = 413, "line-too-long", "Line too long"


class TooManyStreams(NumeralError):
    """Too many streams are open; retry after Retry-After. NUMERAL_MAX_STREAMS sets the limit."""

    status, slug, title, headers = 503, "too-many-streams", "Too many streams", _RETRY_SOON


# Models and inference


class UnknownModel(NumeralError):
    """GET /models lists the models."""

    status, slug, title = 404, "unknown-model", "Unknown model"


class UnknownForm(NumeralError):
    """GET /forms lists the forms."""

    status, slug, title = 404, "unknown-form", "Unknown form"


class UnusableForm(NumeralError):
    """The form's file is wrong, or asks for what no model offers; GET /forms says why."""

    status, slug, title = 503, "unusable-form", "Form cannot be used"


class UnusableCalibration(NumeralError):
    """GET /models lists the calibrations, their models, and why one cannot be used."""

    status, slug, title = 422, "unusable-calibration", "Calibration cannot be used"


class UnsupportedMaxError(NumeralError):
    """GET /models lists the error rates that each model has an operating point for."""

    status, slug, title = 422, "unsupported-max-error", "Error rate not offered"


class NotReady(NumeralError):
    """Models are loading, or none could be loaded; GET /health/ready reports the state."""

    status, slug, title, headers = 503, "not-ready", "Not ready", _RETRY_SOON


class ModelUnavailable(NumeralError):
    """The model's file is missing or damaged; use another model from GET /models."""

    status, slug, title = 503, "model-unavailable", "Model unavailable"


class QueueFull(NumeralError):
    """Too many images are waiting; retry after Retry-After. NUMERAL_QUEUE_SIZE sets the limit."""

    status, slug, title, headers = 503, "queue-full", "Queue full", _RETRY_SOON


class DeadlineExceeded(NumeralError):
    """The service is busy, or the batch is too large for it: send smaller ones.

    There is no Retry-After, as the same request may time out again. NUMERAL_REQUEST_TIMEOUT sets
    the limit.
    """

    status, slug, title = 504, "deadline-exceeded", "Deadline exceeded"


class InternalError(NumeralError):
    """The service failed; its log has the details under the request ID."""

    status, slug, title = 500, "internal-error", "Internal error"


class InferenceFailed(InternalError):
    """A model could not be run; the log has the details under the request ID."""


# Feedback


class FeedbackOff(NumeralError):
    """Predictions are not stored; NUMERAL_FEEDBACK=true turns feedback on."""

    status, slug, title = 403, "feedback-off", "Feedback is off"


class UnknownPrediction(NumeralError):
    """This caller has no stored prediction with this X-Request-ID.

    It may have expired, or the database was unavailable when it was made. NUMERAL_FEEDBACK_DAYS
    sets how long predictions are kept.
    """

    status, slug, title = 404, "unknown-prediction", "Unknown prediction"


class AnsweredOtherwise(NumeralError):
    """The first right answer stays, and this one differs from it."""

    status, slug, title = 409, "answered-otherwise", "Answered otherwise"


class FeedbackUnavailable(NumeralError):
    """The feedback database is unavailable; retry after Retry-After. Predictions still work."""

    status, slug, title = 503, "feedback-unavailable", "Feedback unavailable"
    headers = {"Retry-After": "10"}


# The process


class ReloadInProgress(NumeralError):
    """A reload is already running; try again when it has finished."""

    status, slug, title = 409, "reload-in-progress", "Reload in progress"


class ReloadFailed(NumeralError):
    """The models directory cannot be served, so the models in use stay; the detail says why."""

    status, slug, title = 409, "reload-failed", "Reload failed"


class Stopping(NumeralError):
    """The service is stopping and gave up a slow request; send it again on a new connection."""

    status, slug, title, headers = 503, "stopping", "Service stops", _RETRY_SOON


# All problem types, by status.
PROBLEMS: tuple[type[NumeralError], ...] = tuple(
    sorted(
        (
            each
            for each in list(globals().values())
            if isinstance(each, type) and issubclass(each, NumeralError) and "slug" in vars(each)
        ),
        key=lambda each: each.status,
    )
)
