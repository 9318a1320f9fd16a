"""The models of one process: loaded, checked, warmed up, and exchanged while they are in use."""

import asyncio
import logging
import time
from functools import lru_cache, partial
from io import BytesIO

import numpy as np
from PIL import Image

from models.manifest import ModelCard
from models.reader_card import ReaderCard
from service.inference.catalogue import Catalogue, NothingToServe, load_catalogue
from service.lifecycle import ReloadFailed
from service.metrics.events import Metrics
from service.pipeline import Pipeline, UnsupportedMaxError, Wish, choose_pipeline, threshold_for
from service.settings import Settings

_log = logging.getLogger(__name__)

# Callers may wish for any error rate, but few do.
_MOST_PIPELINES = 256


class NotReady(Exception):
    """The models are being loaded, or none could be."""


class LoadedModels:
    """The models that are served, and how they came to be.

    models = LoadedModels(settings, metrics)
    await models.load()
    pipeline = models.pipeline(Wish())
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._state: _Served | NotReady = NotReady("the models are being loaded")
        self._loading = asyncio.Lock()

    async def load(self) -> None:
        """Load, check and warm up the models in a thread; readiness follows from the outcome."""
        async with self._loading:
            await self._load()

    async def _load(self) -> None:
        started = time.perf_counter()
        try:
            catalogue = await asyncio.to_thread(_load_warm, self._settings)
        except NothingToServe as error:
            _log.error("not ready: %s", error)
            self._state = NotReady(str(error))
        except Exception:
            # Whatever it is, it must not end the process: liveness goes on, readiness says no.
            _log.exception("not ready")
            self._state = NotReady("the models could not be loaded; the service's log says why")
        else:
            self._serve(catalogue)
            seconds = time.perf_counter() - started
            _log.info("ready after %.2f s: %s", seconds, ", ".join(catalogue.versions))

    async def load_again(self) -> Catalogue:
        """Load, check and warm up the models as they are now, beside those that are served.

        Raises:
            ReloadFailed: the manifest or a model that is served cannot be used any more.
        """
        try:
            return await self._loaded_again()
        except ReloadFailed:
            self._metrics.reloaded("failure")
            raise

    async def _loaded_again(self) -> Catalogue:
        async with self._loading:
            try:
                catalogue = await asyncio.to_thread(_load_warm, self._settings)
            except NothingToServe as error:
                raise ReloadFailed(str(error)) from error
            except Exception as error:
                raise ReloadFailed(f"the models could not be loaded: {error!r}") from error
        if not isinstance(self._state, NotReady):
            _check_nothing_is_lost(self._state.catalogue, catalogue)
        return catalogue

    def adopt(self, catalogue: Catalogue) -> None:
        """Serve `catalogue` from now on; requests in work finish with what they began with."""
        self._serve(catalogue)
        self._metrics.reloaded("success")

    @property
    def are_ready(self) -> bool:
        """Whether pictures can be read."""
        return not isinstance(self._state, NotReady)

    @property
    def catalogue(self) -> Catalogue:
        """The models.

        Raises:
            NotReady: they are still being loaded, or none could be.
        """
        return self._served.catalogue

    def pipeline(self, wish: Wish) -> Pipeline:
        """The pipeline for `wish`, completed from the settings.

        Raises:
            NotReady: no model is there yet.
            UnknownModel, ModelUnavailable, UnsupportedMaxError: as `choose_pipeline` says.
        """
        return self._served.pipeline(wish)

    def _serve(self, catalogue: Catalogue) -> None:
        self._state = _Served(catalogue, self._settings)
        self._metrics.serving(
            catalogue.versions,
            defaults=(catalogue.default, catalogue.default_reader),
            failed=len(catalogue.failures),
            readers=catalogue.readers,
        )
        _warn_if_nothing_is_accepted(catalogue, self._settings)

    @property
    def _served(self) -> "_Served":
        if isinstance(self._state, NotReady):
            raise NotReady(*self._state.args)
        return self._state


class _Served:
    """The models that are loaded, and the pipelines that callers have wished for lately."""

    def __init__(self, catalogue: Catalogue, settings: Settings) -> None:
        self.catalogue = catalogue
        self.pipeline = lru_cache(_MOST_PIPELINES)(partial(_pipeline, catalogue, settings))


def _pipeline(catalogue: Catalogue, settings: Settings, wish: Wish) -> Pipeline:
    return choose_pipeline(
        catalogue, wish, max_error=settings.max_error, max_pixels=settings.max_pixels
    )


def _warn_if_nothing_is_accepted(catalogue: Catalogue, settings: Settings) -> None:
    model = catalogue.cards[catalogue.default]
    variables = "NUMERAL_MAX_ERROR or NUMERAL_DEFAULT_MODEL"
    _warn_unless_kept(model, settings.max_error, "picture", variables)
    if name := catalogue.default_reader:
        reader = catalogue.reader_cards[name]
        _warn_unless_kept(reader, settings.field_max_error, "field", "NUMERAL_FIELD_MAX_ERROR")


def _warn_unless_kept(
    card: ModelCard | ReaderCard, max_error: float, what: str, variables: str
) -> None:
    try:
        threshold_for(card, max_error)
    except UnsupportedMaxError as error:
        _log.warning(
            "every %s will be sent to review where a caller names neither model nor max_error: %s;"
            " set %s otherwise",
            what,
            error,
            variables,
        )


def _check_nothing_is_lost(served: Catalogue, catalogue: Catalogue) -> None:
    # A model that the manifest lists no more was taken out on purpose.
    lost = [name for name in served.versions if name in catalogue.failures]
    if lost:
        raise ReloadFailed("; ".join(f"{name}: {catalogue.failures[name]}" for name in lost))


def _load_warm(settings: Settings) -> Catalogue:
    catalogue = load_catalogue(settings.models_dir, settings.default_model)
    # The libraries that decode and normalise set themselves up at the first picture, which takes
    # a tenth of a second; a caller should not wait for it.
    any_model = Wish(model=next(iter(catalogue.classifiers)))
    _pipeline(catalogue, settings, any_model).read([_sample_picture()])
    return catalogue


def _sample_picture() -> bytes:
    paper = np.full((64, 64), 255, np.uint8)
    paper[12:52, 28:36] = 0
    file = BytesIO()
    Image.fromarray(paper).save(file, "PNG")
    return file.getvalue()
