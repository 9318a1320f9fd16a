"""What can be wrong with a request itself; each becomes a problem in `service.api.problems`."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Self

from service.api.schemas import Fault

# A batch can be wrong in a thousand places; the first few tell enough.
MOST_FAULTS = 20


class BadRequest(ValueError):
    """What came over a connection is no HTTP request."""


class KeyRequired(Exception):
    """The request shows no API key, or one that is not known."""


class RoleRequired(Exception):
    """The caller's key is not for this."""


class MalformedBody(ValueError):
    """The body is not what its Content-Type says."""


class UnsupportedMediaType(ValueError):
    """The body's Content-Type is none that this path reads."""


class NotAcceptable(ValueError):
    """The caller accepts no media type that this path can answer with."""


class BodyTooLarge(ValueError):
    """The body is larger than the limit."""


class BodyTooSlow(Exception):
    """The body was not complete in the time that it may take."""


class TooManyBodies(Exception):
    """The bodies of all requests in work hold more bytes than the limit."""


class Stopping(Exception):
    """The service stops before the request could be answered."""


class AdminOff(Exception):
    """There are no API keys, so nobody is known to be allowed what `/admin` does."""


class BatchTooLarge(ValueError):
    """The batch holds more images than the limit."""


class TooManyStreams(Exception):
    """So many streams are being answered that another one would be too slow for all."""


class InvalidItem(ValueError):
    """An item of a batch brings no image."""


class LineTooLong(InvalidItem):
    """A line of a stream is longer than the limit."""


class InvalidRequest(ValueError):
    """A parameter or a part of the body is missing or has a value that it cannot have."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(f"{fault.where}: {fault.what}" for fault in faults))
        self.faults = tuple(faults)

    @classmethod
    def of(cls, where: str, what: str) -> Self:
        """The error with one fault."""
        return cls([Fault(where=where, what=what)])

    @classmethod
    def from_pydantic(cls, errors: Iterable[Any]) -> Self:
        """What pydantic found wrong, without the values: they may hold an image."""
        return cls(
            [
                Fault(where=".".join(map(str, error["loc"])) or "body", what=_what(error))
                for error in islice(errors, MOST_FAULTS)
            ]
        )


def _what(error: Mapping[str, object]) -> str:
    return "is not known" if error["type"] == "extra_forbidden" else str(error["msg"])
