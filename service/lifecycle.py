"""The state of a process between its start and its end, shared by server and application."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class ServedModel:
    """A model that is served."""

    name: str
    version: str


@dataclass(frozen=True)
class Served:
    """The models that are served after a reload.

    Attributes:
        default: model that answers when a request names none.
        models: models that are loaded.
        workers: number of processes that serve them.
    """

    default: str
    models: tuple[ServedModel, ...]
    workers: int = 1

    def __str__(self) -> str:
        return ", ".join(f"{model.name} {model.version}" for model in self.models)


@dataclass
class Lifecycle:
    """The state of a process; belongs to one event loop.

    Attributes:
        draining: the process was told to stop: it answers, but is not ready any more.
        reload: reloads the models in every process that serves them; raises `ReloadInProgress` or
            `ReloadFailed`. None: only in this process.
    """

    draining: bool = False
    reload: Callable[[], Awaitable[Served]] | None = None
