"""Every error that a caller can see: its HTTP status, its slug and what it means.

A class's docstring is its explanation, which `GET /problems/{slug}` shows.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar, Self

from service.validation import Fault, faults_of

_RETRY_SOON: Mapping[str, str] = {"Retry-After": "1"}
_RETRY_LATER: Mapping[str, str] = {"Retry-After": "10"}
_CLOSE: Mapping[str, str] = {"Connection": "close"}
_ASK_FOR_KEY: Mapping[str, str] = {"WWW-Authenticate": 'Bearer realm="Numeral"'}


class NumeralError(Exception):
    """Base class of all errors that become RFC 9457 problems."""

    status: ClassVar[int]  # of HTTP
    # Last part of the problem type: the name of the class; stable, clients compare it.
    slug: ClassVar[str]
    title: ClassVar[str]  # the same for every problem of the type
    explanation: ClassVar[str]  # what the type means and what to do about it
    headers: Mapping[str, str] = {}  # of the response, besides those of every response

    def __init_subclass__(
        cls, *, status: int = 0, title: str = "", headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init_subclass__()
        cls.explanation = " ".join((cls.__doc__ or "").split())
        # A class without a status has the type of its base.
        if status:
            cls.slug = re.sub("(?<!^)(?=[A-Z])", "-", cls.__name__).lower()
            cls.status, cls.title, cls.headers = status, title, headers or {}

    def __str__(self) -> str:
        return super().__str__() or self.explanation


# The request itself


class BadRequest(NumeralError, status=400, title="Bad request", headers=_CLOSE):
    """Not an HTTP/1.1 request, or its head is too long or too slow; the connection is closed."""


class NotFound(NumeralError, status=404, title="No such path"):
    """GET /docs lists the available paths."""


class MethodNotAllowed(NumeralError, status=405, title="Method not allowed"):
    """The Allow header lists the allowed methods."""


class NotAcceptable(NumeralError, status=406, title="Not acceptable"):
    """Answers are JSON; batches also NDJSON, /normalise PNG, /tables CSV.

    The Accept header excludes them.
    """


class UnsupportedMediaType(NumeralError, status=415, title="Unsupported media type"):
    """This path does not read the body's Content-Type, or the body is compressed."""


class MalformedBody(NumeralError, status=400, title="Malformed body"):
    """The body does not match its Content-Type; the detail says where."""


class BodyTooSlow(NumeralError, status=408, title="Body too slow", headers=_CLOSE):
    """Send the body faster, or in smaller batches. NUMERAL_BODY_TIMEOUT sets the limit."""


class BodyTooLarge(NumeralError, status=413, title="Body too large"):
    """Send a smaller picture or batch, or a stream. NUMERAL_MAX_BODY_BYTES sets the limit."""


class TooManyBodies(NumeralError, status=503, title="Too many bodies", headers=_RETRY_SOON):
    """Too many bytes are being received; retry after Retry-After.

    NUMERAL_MAX_TOTAL_BODY_BYTES sets the limit.
    """


class ClientDisconnected(NumeralError, status=499, title="Client disconnected"):
    """The client closed the connection before the response; only the log shows this."""


class InvalidRequest(NumeralError, status=422, title="Invalid request"):
    """A parameter or a part of the body is missing, unknown or out of range."""

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


class KeyRequired(NumeralError, status=401, title="API key missing or wrong", headers=_ASK_FOR_KEY):
    """Send a key as `Authorization: Bearer <key>` or as `X-API-Key: <key>`."""


class RoleRequired(NumeralError, status=403, title="Not for this key"):
    """A key has the role predict, metrics or admin, which includes the others. Use another key."""


class QuotaExceeded(NumeralError, status=429, title="Quota exceeded", headers=_RETRY_SOON):
    """The key has used up its images for now; Retry-After says for how long."""

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.headers = {"Retry-After": str(retry_after)}


class AdminOff(NumeralError, status=403, title="Administration is off"):
    """Paths under /admin and /reviews require an API key with the role admin.

    No API keys are configured. SIGHUP reloads the models without one.
    """


# Pictures and batches


class UnreadableImage(NumeralError, status=422, title="Unreadable image"):
    """The image is damaged, incomplete, empty or encrypted, or has no such `page`.

    With `preprocess=none`, it is not 28 x 28.
    """


class UnsupportedFormat(UnreadableImage, status=422, title="Unsupported image format"):
    """Images may be PNG, JPEG, BMP, GIF, WebP, TIFF, HEIC, AVIF or PDF."""


class PictureTooLarge(UnreadableImage, status=413, title="Picture too large"):
    """Send the picture with fewer pixels. NUMERAL_MAX_PIXELS sets the limit."""


class NoTable(UnreadableImage, status=422, title="No table found"):
    """`/tables` reads one table to a page, with ruled lines around all cells."""


class BatchTooLarge(NumeralError, status=413, title="Batch too large"):
    """Split the batch, or send it as a stream. NUMERAL_MAX_BATCH sets the limit."""


class InvalidItem(NumeralError, status=422, title="Invalid item"):
    """An image is a file, Base64 or a `data:` URL; a batch also takes objects with `id`."""


class LineTooLong(InvalidItem, status=413, title="Line too long"):
    """Send a smaller picture. NUMERAL_MAX_BODY_BYTES limits each line of a stream."""


class TooManyStreams(NumeralError, status=503, title="Too many streams", headers=_RETRY_SOON):
    """Too many streams are open; retry after Retry-After. NUMERAL_MAX_STREAMS sets the limit."""


# Models and inference


class UnknownModel(NumeralError, status=404, title="Unknown model"):
    """GET /models lists the models."""


class UnknownForm(NumeralError, status=404, title="Unknown form"):
    """GET /forms lists the forms."""


class UnusableForm(NumeralError, status=503, title="Form cannot be used"):
    """The form's file is wrong, or asks for what no model offers; GET /forms says why."""


class UnusableCalibration(NumeralError, status=422, title="Calibration cannot be used"):
    """GET /models lists the calibrations, their models, and why one cannot be used."""


class UnsupportedMaxError(NumeralError, status=422, title="Error rate not offered"):
    """GET /models lists the error rates that each model has an operating point for."""


class NotReady(NumeralError, status=503, title="Not ready", headers=_RETRY_SOON):
    """Models are loading, or none could be loaded; GET /health/ready reports the state."""


class ModelUnavailable(NumeralError, status=503, title="Model unavailable"):
    """The model's file is missing or damaged; use another model from GET /models."""


class QueueFull(NumeralError, status=503, title="Queue full", headers=_RETRY_SOON):
    """Too many images are waiting; retry after Retry-After. NUMERAL_QUEUE_SIZE sets the limit."""


class DeadlineExceeded(NumeralError, status=504, title="Deadline exceeded"):
    """The service is busy, or the batch is too large for it: send smaller ones.

    There is no Retry-After, as the same request may time out again. NUMERAL_REQUEST_TIMEOUT sets
    the limit.
    """


class InternalError(NumeralError, status=500, title="Internal error"):
    """The service failed; its log has the details under the request ID."""


class InferenceFailed(InternalError):
    """A model could not be run; the log has the details under the request ID."""


# Feedback


class FeedbackOff(NumeralError, status=403, title="Feedback is off"):
    """Predictions are not stored; NUMERAL_FEEDBACK=true turns feedback on."""


class UnknownPrediction(NumeralError, status=404, title="Unknown prediction"):
    """This caller has no stored prediction with this X-Request-ID.

    It may have expired, or the database was unavailable when it was made. NUMERAL_FEEDBACK_DAYS
    sets how long predictions are kept.
    """


class AnsweredOtherwise(NumeralError, status=409, title="Answered otherwise"):
    """The first right answer stays, and this one differs from it."""


class FeedbackUnavailable(
    NumeralError, status=503, title="Feedback unavailable", headers=_RETRY_LATER
):
    """The feedback database is unavailable; retry after Retry-After. Predictions still work."""


# The process


class ReloadInProgress(NumeralError, status=409, title="Reload in progress"):
    """A reload is already running; try again when it has finished."""


class ReloadFailed(NumeralError, status=409, title="Reload failed"):
    """The models directory cannot be served, so the models in use stay; the detail says why."""


class Stopping(NumeralError, status=503, title="Service stops", headers=_RETRY_SOON):
    """The service is stopping and gave up a slow request; send it again on a new connection."""


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
