"""The state of a process between its start and its end, shared by server and application."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from pydantic import BaseModel, Field


class ReloadedModel(BaseModel):
    """A model that is served after a reload."""

    name: str = Field(description="The model's name.")
    version: str = Field(description="Its version; another file has another version.")


class Reload(BaseModel):
    """What is served after a reload."""

    default: str = Field(description="Model that answers when a request names none.")
    models: tuple[ReloadedModel, ...] = Field(description="Models that are served.")
    workers: int = Field(ge=1, description="Number of processes that serve them.")

    def __str__(self) -> str:
        return ", ".join(f"{model.name} {model.version}" for model in self.models)


@dataclass
class Lifecycle:
    """The state of a process; belongs to one event loop."""

    draining: bool = False  # the process was told to stop: it answers, but is not ready any more
    # Reloads the models in every process that serves them; raises `ReloadInProgress` or
    # `ReloadFailed`. None: only in this process.
    reload: Callable[[], Awaitable[Reload]] | None = None
