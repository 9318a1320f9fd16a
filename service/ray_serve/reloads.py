"""A reload of the models in all replicas or in none."""

import contextlib
import logging
import time
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from service.errors import ReloadFailed, ReloadInProgress
from service.lifecycle import Served

if TYPE_CHECKING:
    from ray.serve.handle import DeploymentHandle

_log = logging.getLogger(__name__)

# Longer than any replica takes that is not hung.
_PATIENCE_SECONDS = 120.0

# What a replica makes of being told to load the models: exceptions travel as values.
Outcome = Served | ReloadFailed | ReloadInProgress


class Rounds:
    """Lets a replica take part in one reload at a time. One whose leader has died is forgotten."""

    def __init__(self) -> None:
        self._current: str | None = None
        self._deadline = 0.0

    def begin(self, round_id: str) -> None:
        """Take part in a reload.

        Raises:
            ReloadInProgress: there is another one.
        """
        if self._current is not None and time.monotonic() < self._deadline:
            raise ReloadInProgress("the models are being loaded again already; ask when it is done")
        self._current = round_id
        self._deadline = time.monotonic() + 2 * _PATIENCE_SECONDS

    def end(self, round_id: str) -> bool:
        """Take part no more; whether it did."""
        if self._current != round_id:
            return False
        self._current = None
        return True


async def reload_everywhere(replicas: "DeploymentHandle[Any]") -> Served:
    """Let all `replicas` load the models, and then all of them serve what they loaded, or none.

    One that starts meanwhile loads the models by itself.

    Raises:
        ReloadInProgress: another reload is at work in one of them.
        ReloadFailed: the models cannot be used in one of them.
    """
    round_id = uuid.uuid4().hex
    try:
        served = _agreed(await _ask(replicas, "prepare", round_id))
    except (ReloadFailed, ReloadInProgress) as error:
        with contextlib.suppress(ReloadFailed):
            await _ask(replicas, "discard", round_id)
        if isinstance(error, ReloadFailed):
            _log.error("reload failed, the old models go on in every worker: %s", error)
        raise
    try:
        await _ask(replicas, "adopt", round_id)
    except ReloadFailed as error:
        _log.error("reload broke off, workers may serve different models: %s", error)
        raise
    _log.info("reloaded in %d workers: %s", served.workers, served)
    return served


async def _ask(replicas: "DeploymentHandle[Any]", method: str, round_id: str) -> list[Outcome]:
    answers = replicas.broadcast(method, round_id)
    try:
        return await answers.results_async(timeout_s=_PATIENCE_SECONDS)
    except TimeoutError as error:
        raise ReloadFailed(
            f"not every worker had answered after {_PATIENCE_SECONDS:g} s"
        ) from error
    except Exception as error:
        # Whatever Ray calls it: a replica has ended, or its node.
        raise ReloadFailed(f"a worker could not be asked: {error}") from error


def _agreed(outcomes: list[Outcome]) -> Served:
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
    kinds = {outcome for outcome in outcomes if isinstance(outcome, Served)}
    if len(kinds) > 1:
        raise ReloadFailed("the models' folder changed meanwhile: workers loaded different models")
    return replace(kinds.pop(), workers=len(outcomes))
