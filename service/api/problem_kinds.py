"""The kinds of problems: what each error of the service is over HTTP, and how it is explained."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect

from service.api import errors
from service.auth.quotas import QuotaExceeded
from service.feedback.errors import (
    AnsweredOtherwise,
    FeedbackOff,
    FeedbackUnavailable,
    UnknownPrediction,
)
from service.imaging import PictureTooLarge, UnreadableImage, UnsupportedFormat
from service.inference.admission import QueueFull
from service.inference.batcher import DeadlineExceeded
from service.inference.catalogue import ModelUnavailable, UnknownModel
from service.inference.decisions import UnsupportedMaxError
from service.inference.registry import NotReady
from service.lifecycle import ReloadFailed, ReloadInProgress

# Problem types are paths on the service itself, which explains them there, offline as well.
TYPES_PATH = "/problems"

_RETRY_SOON = {"Retry-After": "1"}
_SEND_AGAIN = "send it again after Retry-After"


@dataclass(frozen=True)
class Kind:
    """What all problems of one type have in common."""

    slug: str
    status: int
    title: str
    explanation: str
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def type(self) -> str:
        """The problem type's URI reference."""
        return f"{TYPES_PATH}/{self.slug}"


NOT_FOUND = Kind("not-found", 404, "No such path", "GET /docs lists the paths that are served.")
METHOD_NOT_ALLOWED = Kind(
    "method-not-allowed", 405, "Method not allowed", "The Allow header lists what is allowed."
)
INTERNAL_ERROR = Kind(
    "internal-error",
    500,
    "Internal error",
    "A fault of the service, written to its log with the request's id.",
)

# The most specific class decides, so that a subclass may have a line of its own.
TABLE: Mapping[type[Exception], Kind] = {
    errors.BadRequest: Kind(
        "bad-request",
        400,
        "Bad request",
        "What came is no HTTP/1.1 request, or its head is too long or too slow; the connection is"
        " closed.",
        {"Connection": "close"},
    ),
    errors.MalformedBody: Kind(
        "malformed-body",
        400,
        "Malformed body",
        "The body is not what its Content-Type says; the detail tells where it differs.",
    ),
    errors.KeyRequired: Kind(
        "key-required",
        401,
        "API key missing or wrong",
        "Send a key as `Authorization: Bearer <key>` or as `X-API-Key: <key>`.",
        {"WWW-Authenticate": 'Bearer realm="Numeral"'},
    ),
    errors.RoleRequired: Kind(
        "role-required",
        403,
        "Not for this key",
        "A key is made for predict, metrics or admin; the last may do all. Take another key.",
    ),
    errors.AdminOff: Kind(
        "admin-off",
        403,
        "Administration is off",
        "Paths under /admin and /reviews need an API key with the role admin, and there are no API"
        " keys; SIGHUP reloads the models without one.",
    ),
    FeedbackOff: Kind(
        "feedback-off",
        403,
        "Feedback is off",
        "What is read is not kept, so that nothing is known of it later; NUMERAL_FEEDBACK=true"
        " turns it on.",
    ),
    UnknownModel: Kind("unknown-model", 404, "Unknown model", "GET /models lists the models."),
    UnknownPrediction: Kind(
        "unknown-prediction",
        404,
        "Unknown prediction",
        "No prediction of this caller is kept under this X-Request-ID; it may be too old, or the"
        " database was not there when it was made. NUMERAL_FEEDBACK_DAYS sets how long they are"
        " kept.",
    ),
    errors.NotAcceptable: Kind(
        "not-acceptable",
        406,
        "Not acceptable",
        "Answers are JSON, those of a batch also NDJSON, that of /normalise PNG; the Accept header"
        " excludes it.",
    ),
    errors.BodyTooSlow: Kind(
        "body-too-slow",
        408,
        "Body too slow",
        "Send the body faster, or in smaller batches. NUMERAL_BODY_TIMEOUT sets the limit.",
        {"Connection": "close"},
    ),
    AnsweredOtherwise: Kind(
        "answered-otherwise",
        409,
        "Answered otherwise",
        "The first right answer that is given stays; this one differs from it.",
    ),
    ReloadInProgress: Kind(
        "reload-in-progress",
        409,
        "Reload in progress",
        "The models are being loaded again already; ask again when that is done.",
    ),
    ReloadFailed: Kind(
        "reload-failed",
        409,
        "Reload failed",
        "The models' folder cannot take the place of what is served, which goes on; the detail"
        " tells what is wrong with it.",
    ),
    errors.BodyTooLarge: Kind(
        "body-too-large",
        413,
        "Body too large",
        "Send a smaller picture or batch, or a stream. NUMERAL_MAX_BODY_BYTES sets the limit.",
    ),
    PictureTooLarge: Kind(
        PictureTooLarge.kind,
        413,
        "Picture too large",
        "Send the picture with fewer pixels. NUMERAL_MAX_PIXELS sets the limit.",
    ),
    errors.BatchTooLarge: Kind(
        "batch-too-large",
        413,
        "Batch too large",
        "Send the batch in parts, or as a stream. NUMERAL_MAX_BATCH sets the limit.",
    ),
    errors.UnsupportedMediaType: Kind(
        "unsupported-media-type",
        415,
        "Unsupported media type",
        "The body's Content-Type is none that this path reads, or it is compressed.",
    ),
    UnreadableImage: Kind(
        UnreadableImage.kind,
        422,
        "Unreadable image",
        "The image is damaged, incomplete or empty, or not 28 x 28 for `preprocess=none`.",
    ),
    UnsupportedFormat: Kind(
        UnsupportedFormat.kind,
        422,
        "Unsupported image format",
        "Images may be PNG, JPEG, BMP, GIF, WebP or TIFF.",
    ),
    errors.InvalidItem: Kind(
        "invalid-item",
        422,
        "Invalid item",
        "An item of a batch is Base64, or an object with `image` and, if you like, `id`.",
    ),
    errors.LineTooLong: Kind(
        "line-too-long",
        413,
        "Line too long",
        "Send a smaller picture. NUMERAL_MAX_BODY_BYTES sets the limit for each line of a stream.",
    ),
    errors.InvalidRequest: Kind(
        "invalid-request",
        422,
        "Invalid request",
        "A parameter or a part of the body is missing, unknown or out of range.",
    ),
    UnsupportedMaxError: Kind(
        "unsupported-max-error",
        422,
        "Error rate not offered",
        "GET /models lists the error rates that each model has an operating point for.",
    ),
    QuotaExceeded: Kind(
        "quota-exceeded",
        429,
        "Quota exceeded",
        "The key has had as many images read as it may for now; Retry-After says for how long.",
        _RETRY_SOON,
    ),
    ClientDisconnect: Kind(
        "client-disconnected", 499, "Client disconnected", "Only ever seen in the log."
    ),
    Exception: INTERNAL_ERROR,
    NotReady: Kind(
        "not-ready",
        503,
        "Not ready",
        "Models are being loaded, or none could be; GET /health/ready follows it.",
        _RETRY_SOON,
    ),
    ModelUnavailable: Kind(
        "model-unavailable",
        503,
        "Model unavailable",
        "The model's file is missing or damaged; take another model, which GET /models lists.",
    ),
    QueueFull: Kind(
        "queue-full",
        503,
        "Queue full",
        f"Too many images wait; {_SEND_AGAIN}. NUMERAL_QUEUE_SIZE sets the limit.",
        _RETRY_SOON,
    ),
    errors.TooManyBodies: Kind(
        "too-many-bodies",
        503,
        "Too many bodies",
        f"Too much is being received; {_SEND_AGAIN}. NUMERAL_MAX_TOTAL_BODY_BYTES sets the limit.",
        _RETRY_SOON,
    ),
    FeedbackUnavailable: Kind(
        "feedback-unavailable",
        503,
        "Feedback unavailable",
        f"The feedback database cannot be used for now; {_SEND_AGAIN}. Predictions go on.",
        {"Retry-After": "10"},
    ),
    errors.TooManyStreams: Kind(
        "too-many-streams",
        503,
        "Too many streams",
        f"So many streams are answered already; {_SEND_AGAIN}. NUMERAL_MAX_STREAMS sets the limit.",
        _RETRY_SOON,
    ),
    errors.Stopping: Kind(
        "stopping",
        503,
        "Service stops",
        "The service stops, and gives up what takes long; send it again, over a new connection.",
        _RETRY_SOON,
    ),
    DeadlineExceeded: Kind(
        "deadline-exceeded",
        504,
        "Deadline exceeded",
        "The service is busy, or the batch too large for it: send smaller ones. Retry-After is not"
        " sent, as the same may end the same way. NUMERAL_REQUEST_TIMEOUT sets the limit.",
    ),
}

KINDS = (*TABLE.values(), NOT_FOUND, METHOD_NOT_ALLOWED)
