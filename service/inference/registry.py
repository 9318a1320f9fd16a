"""The models of one process: loaded, warmed up, and replaced while they are in use."""

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from io import BytesIO
from typing import TypeVar

import numpy as np
from PIL import Image

from models.manifest import ModelCard
from models.reader_card import ReaderCard
from service.errors import NotReady, ReloadFailed, ReloadInProgress, UnsupportedMaxError
from service.inference.catalogue import Catalogue, NothingToServe, load_catalogue
from service.inference.decisions import Audit, threshold_for
from service.inference.digits import DigitOptions, DigitPipeline
from service.inference.fields import FieldOptions, FieldPipeline, Options
from service.lifecycle import Reload, ReloadedModel
from service.metrics import Metrics
from service.settings import Settings

_log = logging.getLogger(__name__)

_RETRY_SECONDS = 5.0

# Requests may name any error rate, but use few.
_CACHED_PIPELINES = 256

_Chosen = TypeVar("_Chosen", DigitPipeline, FieldPipeline)


class Registry:
    """The models that are served; belongs to one event loop.

    registry = Registry(settings, metrics)
    await registry.load()
    pipeline = registry.digits(DigitOptions())

    What depends on the models is loaded by `also_load`, in a thread, before they are served.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Metrics,
        also_load: Callable[[Catalogue], None] = lambda _: None,
    ) -> None:
        self._settings = settings
        self._also_load = also_load
        self._metrics = metrics
        self._catalogue: Catalogue | None = None
        self._why_not_ready = "the models are being loaded"
        self._loading = asyncio.Lock()
        self._reloading = False
        self._digits = lru_cache(_CACHED_PIPELINES)(self._new_digits)

    @property
    def ready(self) -> bool:
        """Whether models are loaded."""
        return self._catalogue is not None

    @property
    def catalogue(self) -> Catalogue:
        """The models; raise `NotReady` if none is loaded."""
        if self._catalogue is None:
            raise NotReady(self._why_not_ready)
        return self._catalogue

    def digits(self, options: DigitOptions) -> DigitPipeline:
        """Return the pipeline for `options`, with the settings as defaults.

        Raises what `Catalogue.digits` does, and `NotReady` if no model is loaded.
        """
        return self._digits(options)

    def fields(self, options: FieldOptions) -> FieldPipeline:
        """Return the pipeline for `options`; raises what `digits` does."""
        return self._audited(self.catalogue.fields, options, self._settings.field_max_error)

    async def load_until_ready(self) -> None:
        """Keep retrying, so fixing the models directory needs no restart."""
        while not self.ready:
            await self.load()
            await asyncio.sleep(_RETRY_SECONDS)

    async def load(self) -> None:
        """Load, check and warm up the models; `ready` tells whether that succeeded."""
        async with self._loading:
            started = time.perf_counter()
            try:
                catalogue = await asyncio.to_thread(_load_warm, self._settings)
                await asyncio.to_thread(self._also_load, catalogue)
            except NothingToServe as error:
                # It is tried again every few seconds.
                if self._why_not_ready != str(error):
                    _log.error("not ready: %s", error)
                self._why_not_ready = str(error)
            except Exception:
                # Liveness must survive any failure; readiness reports it.
                _log.exception("not ready")
                self._why_not_ready = "the models could not be loaded; see the service's log"
            else:
                self._serve(catalogue)
                seconds = time.perf_counter() - started
                _log.info("ready after %.2f s: %s", seconds, ", ".join(catalogue.versions))

    async def reload(self) -> Reload:
        """Load the models again and serve them, or log the failure and keep serving the old ones.

        Raises:
            ReloadInProgress: another reload is running.
            ReloadFailed: the new models cannot be used.
        """
        if self._reloading:
            raise ReloadInProgress("a reload is already running; retry when it has finished")
        self._reloading = True
        try:
            catalogue = await self._load_successor()
        except ReloadFailed as error:
            _log.error("reload failed, the old models stay: %s", error)
            raise
        finally:
            self._reloading = False
        # Running requests finish with the old models.
        self._serve(catalogue)
        self._metrics.reloads.labels("success").inc()
        models = tuple(
            ReloadedModel(name=name, version=version)
            for name, version in catalogue.versions.items()
        )
        served = Reload(default=catalogue.default, models=models, workers=1)
        _log.info("reloaded: %s", served)
        return served

    async def _load_successor(self) -> Catalogue:
        """Load and warm up models beside those that are served, or raise `ReloadFailed`."""
        async with self._loading:
            try:
                catalogue = await asyncio.to_thread(_load_warm, self._settings)
                # A model that the manifest no longer lists was removed on purpose.
                served = self._catalogue.versions if self._catalogue else ()
                if lost := [name for name in served if name in catalogue.failures]:
                    reasons = (f"{name}: {catalogue.failures[name]}" for name in lost)
                    raise NothingToServe("; ".join(reasons))
                await asyncio.to_thread(self._also_load, catalogue)
            except Exception as error:
                self._metrics.reloads.labels("failure").inc()
                if isinstance(error, NothingToServe):
                    raise ReloadFailed(str(error)) from error
                raise ReloadFailed(f"the models could not be loaded: {error!r}") from error
        return catalogue

    def _serve(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._digits.cache_clear()
        self._metrics.serving(
            catalogue.versions,
            defaults=(catalogue.default, catalogue.default_reader),
            failed=len(catalogue.failures),
            readers=catalogue.readers,
            calibrated={
                (each.model, name): each.distributions
                for name, each in catalogue.calibrations.items()
            },
        )
        for unused in catalogue.calibration_failures.items():
            _log.error("calibration %s is not used: %s", *unused)
        default, settings = catalogue.cards[catalogue.default], self._settings
        variables = "NUMERAL_MAX_ERROR or NUMERAL_DEFAULT_MODEL"
        _warn_if_unsupported(default, settings.max_error, "picture", variables)
        if name := catalogue.default_reader:
            reader, variables = catalogue.reader_cards[name], "NUMERAL_FIELD_MAX_ERROR"
            _warn_if_unsupported(reader, settings.field_max_error, "field", variables)

    def _new_digits(self, options: DigitOptions) -> DigitPipeline:
        return self._audited(self.catalogue.digits, options, self._settings.max_error)

    def _audited(
        self, choose: Callable[..., _Chosen], options: Options, max_error: float
    ) -> _Chosen:
        """Choose the pipeline for `options`, and audit what the default error rate accepts."""
        settings = self._settings
        choose = partial(choose, max_error=max_error, max_pixels=settings.max_pixels)
        pipeline = choose(options)
        if not settings.audit_rate or settings.audit_key is None:
            return pipeline
        threshold = choose(replace(options, max_error=None)).threshold
        if threshold is None:
            return pipeline
        audit = Audit(settings.audit_rate, settings.audit_key.encode(), threshold)
        return replace(pipeline, audit=audit)


def _load_warm(settings: Settings) -> Catalogue:
    catalogue = load_catalogue(
        settings.models_dir,
        settings.default_model,
        settings.calibrations,
        settings.default_calibrations,
    )
    # The imaging libraries take a tenth of a second for their first picture; no request should.
    options = DigitOptions(model=next(iter(catalogue.classifiers)))
    paper = np.full((64, 64), 255, np.uint8)
    paper[12:52, 28:36] = 0
    file = BytesIO()
    Image.fromarray(paper).save(file, "PNG")
    catalogue.digits(options, max_error=1.0, max_pixels=paper.size).read([file.getvalue()])
    return catalogue


def _warn_if_unsupported(
    card: ModelCard | ReaderCard, max_error: float, what: str, variables: str
) -> None:
    try:
        threshold_for(card, max_error)
    except UnsupportedMaxError as error:
        _log.warning(
            "every %s will be sent to review unless the request names a model or max_error: %s; to"
            " change this, set %s",
            what,
            error,
            variables,
        )
