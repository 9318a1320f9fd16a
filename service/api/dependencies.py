"""The state of the application and of a request, and what routes do with it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import Required, TypedDict, cast

from starlette.requests import Request

from service.api.formats import Item
from service.api.responses import Result
from service.api.stream import Streams
from service.auth.api_keys import Caller
from service.errors import Stopping
from service.feedback.recorder import Recorder
from service.feedback.records import Prediction
from service.forms.registry import Forms
from service.inference.admission import Pace
from service.inference.digits import Reading
from service.inference.engine import Engine
from service.inference.fields import FieldReading
from service.inference.registry import Registry
from service.lifecycle import Lifecycle
from service.metrics import Metrics
from service.settings import Settings
from service.v2.statistics import StatisticsCollector


class State(TypedDict):
    """Objects that live as long as the process."""

    engine: Engine
    refusals: Pace
    registry: Registry
    forms: Forms
    settings: Settings
    statistics: StatisticsCollector
    metrics: Metrics
    streams: Streams
    lifecycle: Lifecycle
    recorder: Recorder | None


class RequestState(State, total=False):
    """What a request finds in its scope besides: the middleware adds it."""

    request_id: Required[str]  # the caller's id, or a new one
    response_started: Required[bool]  # whether the head of the response is sent
    caller: Caller  # who sends the request; absent where no API key is required
    prepaid_images: int  # images that the caller's quota is already charged for
    log_fields: dict[str, str]  # further fields of the request's log line


def state_of(request: Request) -> RequestState:
    """Return the state of `request`. As `Depends` it would cost twenty times as much."""
    return cast(RequestState, request.scope["state"])


def charge(request: Request, images: int) -> None:
    """Charge `images` to the quota of the caller, if it has one.

    Call it before the images are read, once or for each part. `Authentication` charges every
    request for one image, so a request for a single image needs no call.

    Raises:
        QuotaExceeded: the quota is used up.
    """
    state = state_of(request)
    caller = state.get("caller")
    if caller is not None and caller.meter is not None:
        prepaid = state.pop("prepaid_images", 0)
        if images > prepaid:
            caller.meter.charge(images, prepaid=prepaid)


def record(
    request: Request,
    results: Sequence[Result],
    items: Sequence[Item] | None = None,
    *,
    first: int = 0,
    page: int = 1,
) -> None:
    """Record the readings among `results` if feedback is on.

    `items` are the images with their ids, if they have any, `first` is the index of the first
    one; `page` of each file was read. Errors are not recorded.
    """
    recorder = state_of(request)["recorder"]
    if recorder is None:
        return
    predictions = [
        Prediction(
            first + place,
            None if item is None else item.id,
            result,
            item.content if item is not None and isinstance(item.content, bytes) else None,
            page,
        )
        for place, (item, result) in enumerate(zip(items or repeat(None), results, strict=False))
        if isinstance(result, Reading | FieldReading)
    ]
    if predictions:
        caller = state_of(request).get("caller")
        name = None if caller is None else caller.name
        recorder.record(state_of(request)["request_id"], name, predictions)


def refuse_while_draining(request: Request) -> None:
    """Raise `Stopping` while the process drains."""
    if state_of(request)["lifecycle"].draining:
        raise Stopping("the service is stopping; send no more requests")
