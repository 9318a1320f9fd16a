"""How a request learns that its caller has gone, without a task that waits for it."""

from collections.abc import Callable
from typing import cast

from starlette.types import Scope

_KEY = "on_departure"

# Has a function called once, if the caller closes the connection before it has its answer.
OnDeparture = Callable[[Callable[[], object]], None]


def offer_departure(scope: Scope, on_departure: OnDeparture) -> None:
    """Let the request of `scope` ask to be told; for a server that can tell."""
    scope["state"][_KEY] = on_departure


def on_departure_of(scope: Scope) -> OnDeparture | None:
    """Where the request can ask to be told; None where the server offers no such thing."""
    return cast("OnDeparture | None", scope["state"].get(_KEY))
