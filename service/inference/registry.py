"""The models of one process: loaded, warmed up, and replaced while they are in use."""

import asyncio
import logging
import time
from functools import lru_cache
from io import BytesIO

import numpy as np
from PIL import Image

from models.manifest import ModelCard
from models.reader_card import ReaderCard
from service.errors import NotReady, ReloadFailed, ReloadInProgress, UnsupportedMaxError
from service.inference.catalogue import Catalogue, NothingToServe, load_catalogue
from service.inference.decisions import threshold_for
from service.inference.digits import DigitOptions, DigitPipeline
from service.inference.fields import FieldOptions, FieldPipeline
from service.lifecycle import Served, ServedModel
from service.metrics import Metrics
from service.settings import Settings

_log = logging.getLogger(__name__)

_RETRY_SECONDS = 5.0

# Requests may name any error rate, but use few.
_CACHED_PIPELINES = 256


class Registry:
    """The models that are served; belongs to one event loop.

    registry = Registry(settings, metrics)
    await registry.load()
    pipeline = registry.digits(DigitOptions())
    """

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self._settings = settings
        self._metrics = metrics
        self._state: _Serving | NotReady = NotReady("the models are being loaded")
        self._loading = asyncio.Lock()
        self._reloading = False
        self._candidate: Catalogue | None = None

    @property
    def ready(self) -> bool:
        """Whether models are loaded."""
        return not isinstance(self._state, NotReady)

    @property
    def catalogue(self) -> Catalogue:
        """The models.

        Raises:
            NotReady: none is loaded.
        """
        return self._serving.catalogue

    def digits(self, options: DigitOptions) -> DigitPipeline:
        """Return the pipeline for `options`, with the settings as defaults.

        Raises:
            NotReady: no model is loaded.
            UnknownModel, ModelUnavailable, UnsupportedMaxError: as for `Catalogue.digits`.
        """
        return self._serving.digits(options)

    def fields(self, options: FieldOptions) -> FieldPipeline:
        """Return the pipeline for `options`, with the settings as defaults.

        Raises:
            NotReady: no model is loaded.
            UnknownModel, ModelUnavailable, UnsupportedMaxError: as for `Catalogue.fields`.
        """
        return self._serving.catalogue.fields(
            options,
            max_error=self._settings.field_max_error,
            max_pixels=self._settings.max_pixels,
        )

    async def load(self) -> None:
        """Load, check and warm up the models; `ready` tells whether that succeeded."""
        async with self._loading:
            started = time.perf_counter()
            try:
                catalogue = await asyncio.to_thread(_load_warm, self._settings)
            except NothingToServe as error:
                _log.error("not ready: %s", error)
                self._state = NotReady(str(error))
            except Exception:
                # Liveness must survive any failure; readiness reports it.
                _log.exception("not ready")
                self._state = NotReady("the models could not be loaded; the service's log says why")
            else:
                self._serve(catalogue)
                seconds = time.perf_counter() - started
                _log.info("ready after %.2f s: %s", seconds, ", ".join(catalogue.versions))

    async def load_until_ready(self) -> None:
        """Keep retrying, so fixing the models directory needs no restart."""
        while not self.ready:
            await self.load()
            await asyncio.sleep(_RETRY_SECONDS)

    async def reload(self) -> Served:
        """Load the models again and serve them, or log the failure and keep serving the old ones.

        Raises:
            ReloadInProgress: another reload is running.
            ReloadFailed: the new models cannot be used.
        """
        if self._reloading:
            raise ReloadInProgress("the models are being loaded again already; ask when it is done")
        self._reloading = True
        try:
            served = await self.prepare()
        except ReloadFailed as error:
            _log.error("reload failed, the old models go on: %s", error)
            raise
        finally:
            self._reloading = False
        self.adopt()
        _log.info("reloaded: %s", served)
        return served

    async def prepare(self) -> Served:
        """Load, check and warm up the models beside those that are served.

        Raises:
            ReloadFailed: the manifest, or a model that is served now, cannot be used any more.
        """
        try:
            catalogue = self._candidate = await self._load_candidate()
        except ReloadFailed:
            self._metrics.reloaded("failure")
            raise
        models = tuple(ServedModel(name, version) for name, version in catalogue.versions.items())
        return Served(catalogue.default, models)

    def adopt(self) -> None:
        """Serve the prepared models; running requests finish with the old ones."""
        if self._candidate:
            self._serve(self._candidate)
            self._metrics.reloaded("success")
        self._candidate = None

    def discard(self) -> None:
        """Drop the prepared models."""
        self._candidate = None

    @property
    def _serving(self) -> "_Serving":
        if isinstance(self._state, NotReady):
            # A new exception each time: raising one writes into its traceback.
            raise NotReady(*self._state.args)
        return self._state

    def _serve(self, catalogue: Catalogue) -> None:
        self._state = _Serving(catalogue, self._settings)
        self._metrics.serving(
            catalogue.versions,
            defaults=(catalogue.default, catalogue.default_reader),
            failed=len(catalogue.failures),
            readers=catalogue.readers,
        )
        _warn_if_nothing_is_accepted(catalogue, self._settings)

    async def _load_candidate(self) -> Catalogue:
        async with self._loading:
            try:
                catalogue = await asyncio.to_thread(_load_warm, self._settings)
            except NothingToServe as error:
                raise ReloadFailed(str(error)) from error
            except Exception as error:
                raise ReloadFailed(f"the models could not be loaded: {error!r}") from error
        if self.ready:
            _require_served_models(self.catalogue, catalogue)
        return catalogue


class _Serving:
    """The loaded models, with a cache of the pipelines requested recently."""

    def __init__(self, catalogue: Catalogue, settings: Settings) -> None:
        self.catalogue = catalogue
        self.digits = lru_cache(_CACHED_PIPELINES)(
            lambda options: _digits(catalogue, settings, options)
        )


def _digits(catalogue: Catalogue, settings: Settings, options: DigitOptions) -> DigitPipeline:
    return catalogue.digits(options, max_error=settings.max_error, max_pixels=settings.max_pixels)


def _load_warm(settings: Settings) -> Catalogue:
    catalogue = load_catalogue(settings.models_dir, settings.default_model)
    # The imaging libraries take a tenth of a second for their first picture; no request should.
    any_model = DigitOptions(model=next(iter(catalogue.classifiers)))
    _digits(catalogue, settings, any_model).read([_sample_picture()])
    return catalogue


def _sample_picture() -> bytes:
    paper = np.full((64, 64), 255, np.uint8)
    paper[12:52, 28:36] = 0
    file = BytesIO()
    Image.fromarray(paper).save(file, "PNG")
    return file.getvalue()


def _require_served_models(served: Catalogue, catalogue: Catalogue) -> None:
    # A model that the manifest no longer lists was removed on purpose.
    lost = [name for name in served.versions if name in catalogue.failures]
    if lost:
        raise ReloadFailed("; ".join(f"{name}: {catalogue.failures[name]}" for name in lost))


def _warn_if_nothing_is_accepted(catalogue: Catalogue, settings: Settings) -> None:
    checks: list[tuple[ModelCard | ReaderCard, float, str, str]] = [
        (
            catalogue.cards[catalogue.default],
            settings.max_error,
            "picture",
            "NUMERAL_MAX_ERROR or NUMERAL_DEFAULT_MODEL",
        )
    ]
    if name := catalogue.default_reader:
        reader = catalogue.reader_cards[name]
        checks.append((reader, settings.field_max_error, "field", "NUMERAL_FIELD_MAX_ERROR"))
    for card, max_error, what, variables in checks:
        try:
            threshold_for(card, max_error)
        except UnsupportedMaxError as error:
            _log.warning(
                "every %s will be sent to review where a caller names neither model nor max_error:"
                " %s; set %s otherwise",
                what,
                error,
                variables,
            )
