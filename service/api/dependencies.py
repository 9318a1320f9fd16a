"""What the lifespan of the application hands to every request.

Plain functions of the request: `Depends` costs ten times as much, and works with them all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict, cast

from starlette.requests import Request

from service.api.formats import Item
from service.api.responses import Result
from service.api.stream import Streams
from service.auth.api_keys import Caller
from service.errors import Stopping
from service.feedback.recorder import Recorder
from service.feedback.records import Prediction
from service.imaging import UnreadableImage
from service.inference.digits import DigitPipeline, Reading
from service.inference.engine import Engine
from service.inference.fields import FieldPipeline, FieldReading
from service.inference.registry import Registry
from service.lifecycle import Lifecycle
from service.memory import MemoryBudget
from service.metrics import Metrics
from service.settings import Settings
from service.v2.statistics import StatisticsCollector

# Key in a request's state: the images that its caller's quota is already charged for.
PREPAID_IMAGES = "prepaid_images"


class State(TypedDict):
    """Objects that live as long as the process."""

    engine: Engine
    registry: Registry
    settings: Settings
    statistics: StatisticsCollector
    metrics: Metrics
    memory: MemoryBudget
    streams: Streams
    lifecycle: Lifecycle
    recorder: Recorder | None


def engine_of(request: Request) -> Engine:
    """Return the engine of the process."""
    return cast(Engine, request.scope["state"]["engine"])


def registry_of(request: Request) -> Registry:
    """Return the models of the process."""
    return cast(Registry, request.scope["state"]["registry"])


async def read_one(
    request: Request, pipeline: DigitPipeline | FieldPipeline, content: bytes
) -> Any:  # noqa: ANN401 - a Reading or a FieldReading, as the pipeline is
    """Read one picture.

    Raises:
        UnreadableImage, QueueFull, DeadlineExceeded, InferenceFailed: as for `Engine.run`.
    """
    [outcome] = (await engine_of(request).run(pipeline, [content])).outcomes
    if isinstance(outcome, UnreadableImage):
        raise outcome
    return outcome


def settings_of(request: Request) -> Settings:
    """Return the settings of the process."""
    return cast(Settings, request.scope["state"]["settings"])


def request_id_of(request: Request) -> str:
    """Return the id of the request."""
    return cast(str, request.scope["state"]["request_id"])


def streams_of(request: Request) -> Streams:
    """Return the open streams of the process."""
    return cast(Streams, request.scope["state"]["streams"])


def statistics_of(request: Request) -> StatisticsCollector:
    """Return the statistics of the Open Inference Protocol."""
    return cast(StatisticsCollector, request.scope["state"]["statistics"])


def caller_of(request: Request) -> Caller | None:
    """Return the caller; None where no API key is required."""
    return cast(Caller | None, request.scope["state"].get("caller"))


def recorder_of(request: Request) -> Recorder | None:
    """Return the recorder of predictions; None where feedback is off."""
    return cast(Recorder | None, request.scope["state"]["recorder"])


def charge(request: Request, images: int) -> None:
    """Charge `images` to the quota of the caller, if it has one.

    Call it before the images are read, once or for each part. `Authentication` charges every
    request for one image, so a request for a single image needs no call.

    Raises:
        QuotaExceeded: the quota is used up.
    """
    caller = caller_of(request)
    if caller is not None and caller.meter is not None:
        prepaid = request.scope["state"].pop(PREPAID_IMAGES, 0)
        if images > prepaid:
            caller.meter.charge(images, prepaid=prepaid)


def metrics_of(request: Request) -> Metrics:
    """Return the metrics of the process."""
    return cast(Metrics, request.scope["state"]["metrics"])


def lifecycle_of(request: Request) -> Lifecycle:
    """Return the lifecycle of the process."""
    return cast(Lifecycle, request.scope["state"]["lifecycle"])


def record(
    request: Request,
    results: Sequence[Result],
    items: Sequence[Item] | None = None,
    *,
    first: int = 0,
) -> None:
    """Record the readings among `results` if feedback is on.

    Args:
        request: whose images they are.
        results: what came of them; errors are not recorded.
        items: the images with their ids, if they have any.
        first: the index of the first image.
    """
    recorder = recorder_of(request)
    if recorder is None:
        return
    predictions = [
        Prediction(first + place, items[place].id if items else None, result)
        for place, result in enumerate(results)
        if isinstance(result, Reading | FieldReading)
    ]
    if predictions:
        caller = caller_of(request)
        name = None if caller is None else caller.name
        recorder.record(request_id_of(request), name, predictions)


def refuse_while_draining(request: Request) -> None:
    """Raise `Stopping` while the process drains."""
    if lifecycle_of(request).draining:
        raise Stopping("the service is stopping; send no more requests")
