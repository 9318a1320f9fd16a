"""What the lifespan hands over to every request."""

from typing import TypedDict, cast

from starlette.requests import Request

from service.api.v2.statistics import StatisticsBook
from service.engine import Engine
from service.settings import Settings


class State(TypedDict):
    """What lives as long as the process."""

    engine: Engine
    settings: Settings
    statistics: StatisticsBook


def engine_of(request: Request) -> Engine:
    """The engine of the process."""
    return cast(Engine, request.scope["state"]["engine"])


def settings_of(request: Request) -> Settings:
    """The settings of the process."""
    return cast(Settings, request.scope["state"]["settings"])


def request_id_of(request: Request) -> str:
    """The id that the request came with or was given."""
    return cast(str, request.scope["state"]["request_id"])


def statistics_of(request: Request) -> StatisticsBook:
    """What the process has done over the Open Inference Protocol."""
    return cast(StatisticsBook, request.scope["state"]["statistics"])
