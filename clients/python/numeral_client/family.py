"""What may go wrong, as exceptions of one family."""

from typing import ClassVar

from numeral_client.problem import Problem


class NumeralError(Exception):
    """Any error of this package."""


class UnusableImage(NumeralError):
    """What was given is no image that can be sent."""


class Unreachable(NumeralError):
    """No answer came, or not all of it; `__cause__` says what httpx met with."""


class TimedOut(Unreachable):
    """No answer came in time."""


class UnexpectedAnswer(NumeralError):
    """What answered is not Numeral: a proxy before it, or another service.

    Attributes:
        status: of HTTP.
        retry_after: seconds to wait before the next try, if it said so.
    """

    def __init__(self, message: str, status: int, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after


class ProblemError(NumeralError):
    """The service answered with a problem; each kind has a class of its own in `errors`.

    Attributes:
        problem: the document that it sent.
        retry_after: seconds to wait before the next try, if it said so.
    """

    slug: ClassVar[str] = ""
    _kinds: ClassVar[dict[str, type["ProblemError"]]] = {}

    def __init_subclass__(cls, *, slug: str) -> None:
        super().__init_subclass__()
        cls.slug = slug
        cls._kinds[slug] = cls

    def __init__(self, problem: Problem, retry_after: float | None = None) -> None:
        super().__init__(problem, retry_after)
        self.problem = problem
        self.retry_after = retry_after

    def __str__(self) -> str:
        problem = self.problem
        return f"{problem.status} {problem.title}: {problem.detail} (request {problem.request_id})"

    @classmethod
    def of(cls, problem: Problem, retry_after: float | None = None) -> "ProblemError":
        """The exception for `problem`; of a kind that is not known here, a plain `ProblemError`."""
        return cls._kinds.get(problem.slug, ProblemError)(problem, retry_after)
