"""The document that the service sends in place of an answer (RFC 9457)."""

from pydantic import BaseModel, ConfigDict


class Answer(BaseModel):
    """Anything that the service sends; what a newer service adds is left out."""

    model_config = ConfigDict(frozen=True, extra="ignore", protected_namespaces=())


class Fault(Answer):
    """One thing that is wrong with a request: where, and what."""

    where: str
    what: str


class Problem(Answer):
    """What went wrong.

    Attributes:
        type: a path on the service, which explains the problem there.
        title: the same for every problem of this type.
        status: of HTTP.
        detail: what was wrong this time, and what to do.
        request_id: by which the service's log names the request.
        errors: each fault of its own, where a request can have several.
    """

    type: str
    title: str
    status: int
    detail: str
    request_id: str | None = None
    errors: tuple[Fault, ...] | None = None

    @property
    def slug(self) -> str:
        """The end of `type`, such as `queue-full`."""
        return self.type.rsplit("/", 1)[-1]
