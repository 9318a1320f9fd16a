"""What a process tells its requests about its own life, and what they may ask of it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class ServedModel:
    """A model that is served."""

    name: str
    version: str


@dataclass(frozen=True)
class Served:
    """What is served after a reload.

    Attributes:
        default: name of the model that answers when a caller names none.
        models: those that are loaded.
        workers: how many processes serve them.
    """

    default: str
    models: tuple[ServedModel, ...]
    workers: int = 1

    def __str__(self) -> str:
        return ", ".join(f"{model.name} {model.version}" for model in self.models)


@dataclass
class Lifecycle:
    """The state of a process between its start and its end; for one event loop.

    Attributes:
        draining: it was told to stop: it answers, but wants no more.
        reload: loads the models again in every process that serves them; raises
            `ReloadInProgress` or `ReloadFailed`. Unset: in this process alone.
    """

    draining: bool = False
    reload: Callable[[], Awaitable[Served]] | None = None
