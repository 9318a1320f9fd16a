"""Each kind of problem as an exception, to be caught by name."""

from numeral_client.family import ProblemError


class BadRequest(ProblemError, slug="bad-request"):
    """What came is no HTTP request, or its head is too long."""


class MalformedBody(ProblemError, slug="malformed-body"):
    """The body is not what its Content-Type says."""


class KeyRequired(ProblemError, slug="key-required"):
    """The API key is missing or wrong."""


class RoleRequired(ProblemError, slug="role-required"):
    """The API key is made for something else."""


class FeedbackOff(ProblemError, slug="feedback-off"):
    """What is read is not kept."""


class AdminOff(ProblemError, slug="admin-off"):
    """The service has no API keys, and so nobody who may see this."""


class UnknownPrediction(ProblemError, slug="unknown-prediction"):
    """No such prediction is kept, not any more, or it is another key's."""


class AnsweredOtherwise(ProblemError, slug="answered-otherwise"):
    """Another right answer was given before; it stays."""


class NotFound(ProblemError, slug="not-found"):
    """There is no such path: the URL may be wrong, or the service older than this client."""


class MethodNotAllowed(ProblemError, slug="method-not-allowed"):
    """The path takes other methods."""


class UnknownModel(ProblemError, slug="unknown-model"):
    """No model has this name."""


class NotAcceptable(ProblemError, slug="not-acceptable"):
    """The Accept header excludes every answer."""


class BodyTooSlow(ProblemError, slug="body-too-slow"):
    """The body did not come in time."""


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
    """The file is none of PNG, JPEG, BMP, GIF, WebP and TIFF."""


class InvalidItem(ProblemError, slug="invalid-item"):
    """An item of a batch is no image."""


class InvalidRequest(ProblemError, slug="invalid-request"):
    """A parameter is unknown or out of range; `problem.errors` lists the faults."""


class UnsupportedMaxError(ProblemError, slug="unsupported-max-error"):
    """The model has no operating point for this error rate."""


class QuotaExceeded(ProblemError, slug="quota-exceeded"):
    """The key has had as many images read as it may for now."""


class NotReady(ProblemError, slug="not-ready"):
    """Models are being loaded, or none could be."""


class ModelUnavailable(ProblemError, slug="model-unavailable"):
    """The model's file is missing or damaged."""


class FeedbackUnavailable(ProblemError, slug="feedback-unavailable"):
    """The database of what was read cannot be used for now."""


class QueueFull(ProblemError, slug="queue-full"):
    """Too many images wait."""


class TooManyBodies(ProblemError, slug="too-many-bodies"):
    """The service receives too much at once."""


class TooManyStreams(ProblemError, slug="too-many-streams"):
    """The service answers too many streams at once."""


class Stopping(ProblemError, slug="stopping"):
    """The service stops."""


class DeadlineExceeded(ProblemError, slug="deadline-exceeded"):
    """The service could not answer in the time that it gives itself."""


class InternalError(ProblemError, slug="internal-error"):
    """A fault of the service, in its log with the request's id."""
