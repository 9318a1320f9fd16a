"""Which errors a request may end with, as the document of the API lists them."""

from service.api import errors
from service.imaging import PictureTooLarge, UnreadableImage, UnsupportedFormat
from service.inference.admission import QueueFull
from service.inference.batcher import DeadlineExceeded
from service.inference.catalogue import ModelUnavailable, UnknownModel
from service.inference.decisions import UnsupportedMaxError
from service.inference.registry import NotReady

# What any request to read pictures may end with, whichever protocol it speaks.
READING_ERRORS = (
    errors.MalformedBody,
    UnknownModel,
    errors.BodyTooSlow,
    errors.BodyTooLarge,
    errors.UnsupportedMediaType,
    errors.InvalidRequest,
    UnsupportedMaxError,
    NotReady,
    ModelUnavailable,
    QueueFull,
    errors.TooManyBodies,
    errors.Stopping,
    DeadlineExceeded,
)

# What one to read a single picture may end with besides, and one to read a batch.
SINGLE_ERRORS = (
    *READING_ERRORS,
    errors.NotAcceptable,
    PictureTooLarge,
    UnreadableImage,
    UnsupportedFormat,
)
BATCH_ERRORS = (
    *READING_ERRORS,
    errors.NotAcceptable,
    errors.BatchTooLarge,
    errors.TooManyStreams,
    PictureTooLarge,
)
