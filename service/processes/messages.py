"""What the supervisor and a worker say to each other over their pipe."""

from dataclasses import dataclass

from service.lifecycle import Served


@dataclass(frozen=True)
class Started:
    """From a worker: it accepts connections."""


@dataclass(frozen=True)
class Beat:
    """From a worker: its event loop runs."""


@dataclass(frozen=True)
class AskReload:
    """From a worker: somebody asked it to reload the models."""


@dataclass(frozen=True)
class Loaded:
    """From a worker: how `Load` went.

    Attributes:
        round: that of the `Load`.
        outcome: what it would serve, or why it cannot.
    """

    round: int
    outcome: Served | str


@dataclass(frozen=True)
class Load:
    """To a worker: load the models again and keep them beside those that are served."""

    round: int


@dataclass(frozen=True)
class Adopt:
    """To a worker: serve what was loaded last."""


@dataclass(frozen=True)
class Discard:
    """To a worker: forget what was loaded last."""


@dataclass(frozen=True)
class Reloaded:
    """To a worker that asked: how the reload went in all of them.

    Attributes:
        outcome: what is served now, or why the old models go on.
        busy: it was not tried, as another one is going on.
    """

    outcome: Served | str
    busy: bool = False


@dataclass(frozen=True)
class Drain:
    """To a worker: stop.

    Attributes:
        seconds: how long to go on accepting, not ready, before.
    """

    seconds: float
