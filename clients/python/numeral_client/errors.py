"""Exceptions: what the client raises, and one class for each kind of problem."""

from typing import ClassVar

from numeral_client.schemas import Problem


class NumeralError(Exception):
    """Base of all errors of this package."""


class UnusableImage(NumeralError):
    """The argument is no image; nothing was sent."""


class Unreachable(NumeralError):
    """No complete answer arrived; `__cause__` is the error of httpx."""


class TimedOut(Unreachable):
    """No answer arrived in time."""


class UnexpectedAnswer(NumeralError):
    """The answer is not Numeral's: it comes from a proxy or another service.

    Attributes:
        status: HTTP status.
        retry_after: seconds to wait before the next attempt, from `Retry-After`.
    """

    def __init__(self, message: str, status: int, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class ProblemError(NumeralError):
    """The service answered with a problem; each kind has a subclass in this module.

    Attributes:
        problem: the error document.
        retry_after: seconds to wait before the next attempt, from `Retry-After`.
    """

    slug: ClassVar[str] = ""
    _by_slug: ClassVar[dict[str, type["ProblemError"]]] = {}

    def __init_subclass__(cls, *, slug: str) -> None:
        super().__init_subclass__()
        cls.slug = slug
        cls._by_slug[slug] = cls

    def __init__(self, problem: Problem, retry_after: float | None = None) -> None:
        super().__init__(problem, retry_after)
        self.problem = problem
        self.retry_after = retry_after

    def __str__(self) -> str:
        problem = self.problem
        return f"{problem.status} {problem.title}: {problem.detail} (request {problem.request_id})"

    @classmethod
    def of(cls, problem: Problem, retry_after: float | None = None) -> "ProblemError":
        """Return the exception for `problem`: its own class, or `ProblemError` if unknown."""
        return cls._by_slug.get(problem.slug, ProblemError)(problem, retry_after)


class BadRequest(ProblemError, slug="bad-request"):
    """The request is not valid HTTP, or its head is too long."""


class MalformedBody(ProblemError, slug="malformed-body"):
    """The body does not match its Content-Type."""


class KeyRequired(ProblemError, slug="key-required"):
    """The API key is missing or wrong."""


class RoleRequired(ProblemError, slug="role-required"):
    """The API key lacks the required role."""


class FeedbackOff(ProblemError, slug="feedback-off"):
    """Feedback is off."""


class AdminOff(ProblemError, slug="admin-off"):
    """The service has no API keys, so nobody has the role `admin`."""


class UnknownPrediction(ProblemError, slug="unknown-prediction"):
    """The reading is not stored, has expired, or belongs to another key."""


class AnsweredOtherwise(ProblemError, slug="answered-otherwise"):
    """Another right answer is already stored; it does not change."""


class NotFound(ProblemError, slug="not-found"):
    """The path does not exist: the URL may be wrong, or the service older than this client."""


class MethodNotAllowed(ProblemError, slug="method-not-allowed"):
    """The path does not support this method."""


class UnknownModel(ProblemError, slug="unknown-model"):
    """No model has this name."""


class NotAcceptable(ProblemError, slug="not-acceptable"):
    """The Accept header excludes every answer."""


class BodyTooSlow(ProblemError, slug="body-too-slow"):
    """The body did not arrive in time."""


class BodyTooLarge(ProblemError, slug="body-too-large"):
    """The picture or the batch has too many bytes."""


class PictureTooLarge(ProblemError, slug="picture-too-large"):
    """The picture has too many pixels."""


class BatchTooLarge(ProblemError, slug="batch-too-large"):
    """The batch has too many images: send it as a stream."""


class LineTooLong(ProblemError, slug="line-too-long"):
    """One image of a stream has too many bytes."""


class UnsupportedMediaType(ProblemError, slug="unsupported-media-type"):
    """The path does not read bodies of this type."""


class UnreadableImage(ProblemError, slug="unreadable-image"):
    """The image is damaged, incomplete or empty."""


class UnsupportedFormat(ProblemError, slug="unsupported-format"):
    """The file is not PNG, JPEG, BMP, GIF, WebP, TIFF, HEIC, AVIF or PDF."""


class InvalidItem(ProblemError, slug="invalid-item"):
    """An item of a batch is no image."""


class InvalidRequest(ProblemError, slug="invalid-request"):
    """A parameter is unknown or out of range; `problem.errors` lists every fault."""


class UnsupportedMaxError(ProblemError, slug="unsupported-max-error"):
    """The model has no operating point for this error rate."""


class UnusableCalibration(ProblemError, slug="unusable-calibration"):
    """There is no such calibration, or it is for another model or version."""


class QuotaExceeded(ProblemError, slug="quota-exceeded"):
    """The key's quota of images is used up for now."""


class NotReady(ProblemError, slug="not-ready"):
    """The models are loading, or none could be loaded."""


class ModelUnavailable(ProblemError, slug="model-unavailable"):
    """The model's file is missing or damaged."""


class FeedbackUnavailable(ProblemError, slug="feedback-unavailable"):
    """The feedback database is not available at the moment."""


class QueueFull(ProblemError, slug="queue-full"):
    """Too many images are waiting."""


class TooManyBodies(ProblemError, slug="too-many-bodies"):
    """The service is receiving too much data at once."""


class TooManyStreams(ProblemError, slug="too-many-streams"):
    """The service is answering too many streams at once."""


class Stopping(ProblemError, slug="stopping"):
    """The service is stopping."""


class DeadlineExceeded(ProblemError, slug="deadline-exceeded"):
    """The service did not answer within its own time limit."""


class InternalError(ProblemError, slug="internal-error"):
    """Internal error; the service's log has the details under the request id."""
