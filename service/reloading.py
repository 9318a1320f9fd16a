"""Loads the models again in this process: beside the old ones first, in their place then."""

import logging

from service.inference.catalogue import Catalogue
from service.lifecycle import ReloadFailed, ReloadInProgress, Served, ServedModel
from service.loading import LoadedModels

_log = logging.getLogger(__name__)


class Reloader:
    """Reloads the models of a process, in one step or in two.

        served = await reloader.reload()

    In two, for a process that has others beside it: `prepare`, then `adopt` or `discard`.
    """

    def __init__(self, models: LoadedModels) -> None:
        self._models = models
        self._candidate: Catalogue | None = None
        self._busy = False

    async def reload(self) -> Served:
        """Load the models again and serve them, or go on with the old ones and log why.

        Raises:
            ReloadInProgress: that is being done already.
            ReloadFailed: they cannot be used.
        """
        if self._busy:
            raise ReloadInProgress("the models are being loaded again already; ask when it is done")
        self._busy = True
        try:
            served = await self.prepare()
        except ReloadFailed as error:
            _log.error("reload failed, the old models go on: %s", error)
            raise
        finally:
            self._busy = False
        self.adopt()
        _log.info("reloaded: %s", served)
        return served

    async def prepare(self) -> Served:
        """Load the models again beside those that are served.

        Raises:
            ReloadFailed: they cannot be used.
        """
        self._candidate = await self._models.load_again()
        return _served_by(self._candidate)

    def adopt(self) -> None:
        """Serve what was prepared."""
        if self._candidate:
            self._models.adopt(self._candidate)
        self._candidate = None

    def discard(self) -> None:
        """Forget what was prepared."""
        self._candidate = None


def _served_by(catalogue: Catalogue) -> Served:
    models = tuple(ServedModel(name, version) for name, version in catalogue.versions.items())
    return Served(catalogue.default, models)
