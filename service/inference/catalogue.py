"""The published models, and which of them are loaded."""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from models.manifest import ManifestError, ModelCard, ModelFileError, load_manifest
from models.reader_card import ReaderCard
from models.records import OperatingPoints
from service.errors import ModelUnavailable, UnknownModel, UnsupportedMaxError, UnusableCalibration
from service.inference.calibrations import Calibration, load_calibrations
from service.inference.decisions import Criteria, threshold_for
from service.inference.digits import DigitOptions, DigitPipeline
from service.inference.fields import FieldOptions, FieldPipeline, Options
from service.inference.sessions import (
    Classifier,
    Reader,
    UnusableModel,
    open_classifier,
    open_reader,
)

_Card = TypeVar("_Card", ModelCard, ReaderCard)
_Opened = TypeVar("_Opened")

_log = logging.getLogger(__name__)


class NothingToServe(Exception):
    """Error for a models directory of which no model can be loaded."""


@dataclass(frozen=True)
class Catalogue:
    """The models of a manifest: those that are loaded, and why the others are not.

        catalogue = load_catalogue(Path("models"))
        catalogue.digits(DigitOptions(), max_error=0.001, max_pixels=10**7).read([data])

    Immutable: a reload creates another catalogue.
    """

    default: str  # name of the model for requests that name none
    # Every published model of single digits, in the manifest's order.
    cards: Mapping[str, ModelCard]
    classifiers: Mapping[str, Classifier]  # the loaded ones, by name
    failures: Mapping[str, str]  # why each of the others is not loaded, by name, readers included
    # Every published reader of fields; the first is the default.
    reader_cards: Mapping[str, ReaderCard] = field(default_factory=dict)
    readers: Mapping[str, Reader] = field(default_factory=dict)  # the loaded ones, by name
    # The usable ones, by name.
    calibrations: Mapping[str, Calibration] = field(default_factory=dict)
    # Why each of the others is not usable, by name.
    calibration_failures: Mapping[str, str] = field(default_factory=dict)
    # Those for requests that name none, by the name of their model.
    default_calibrations: Mapping[str, Calibration] = field(default_factory=dict)

    @property
    def default_reader(self) -> str | None:
        """Name of the reader for requests that name none, or None if no reader is published."""
        return next(iter(self.reader_cards), None)

    @property
    def versions(self) -> dict[str, str]:
        """The version of every loaded model and reader, by name."""
        cards: list[ModelCard | ReaderCard] = [each.card for each in self.classifiers.values()]
        cards += [each.card for each in self.readers.values()]
        return {card.name: card.version for card in cards}

    def card(self, name: str) -> ModelCard:
        """Return the card of the model `name`, loaded or not.

        Raises:
            UnknownModel: no such model is published.
        """
        if name in self.cards:
            return self.cards[name]
        hint = "; it reads fields" if name in self.reader_cards else ""
        raise UnknownModel(
            f"there is no model {name!r}{hint}; the models are {', '.join(self.cards)}"
        )

    def classifier(self, name: str | None = None) -> Classifier:
        """Return the model `name`, or the default one.

        Raises:
            UnknownModel: no such model is published.
            ModelUnavailable: it could not be loaded.
        """
        card = self.card(self.default if name is None else name)
        if card.name in self.classifiers:
            return self.classifiers[card.name]
        raise ModelUnavailable(
            f"the model {card.name!r} could not be loaded ({self.failures[card.name]});"
            f" use another one: {', '.join(self.classifiers)}"
        )

    def reader(self, name: str | None = None) -> Reader:
        """Return the reader `name`, or the default one; raises what `classifier` does."""
        name = self.default_reader if name is None else name
        if name is None:
            raise UnknownModel("no reader is published, so fields cannot be read")
        if name in self.readers:
            return self.readers[name]
        if name in self.failures and name in self.reader_cards:
            reason = self.failures[name]
            raise ModelUnavailable(f"the reader {name!r} could not be loaded ({reason})")
        known = ", ".join(self.reader_cards) or "none"
        raise UnknownModel(f"there is no reader {name!r}; the readers are {known}")

    def digits(self, options: DigitOptions, *, max_error: float, max_pixels: int) -> DigitPipeline:
        """Return the pipeline for single digits.

        A model that cannot keep the default `max_error` accepts nothing; an error rate in
        `options` that it cannot keep is an error.

        Raises:
            UnknownModel, ModelUnavailable: the model is unknown, or not loaded.
            UnusableCalibration: the calibration in `options` is unknown, or not for this model.
            UnsupportedMaxError: the model cannot keep the error rate in `options`.
        """
        calibration = self._calibration(options, self.cards)
        classifier = self.classifier(calibration.model if calibration else options.model)
        card = classifier.card
        threshold, temperature, name = self._limits(card, calibration, options.max_error, max_error)
        criteria = Criteria(threshold, card.outliers.entropy, temperature)
        return DigitPipeline(
            classifier,
            criteria,
            options.preprocess,
            max_pixels,
            calibration=name,
            page=options.page,
        )

    def fields(self, options: FieldOptions, *, max_error: float, max_pixels: int) -> FieldPipeline:
        """Return the pipeline for fields, under the rules of `digits`; raises what that does."""
        calibration = self._calibration(options, self.reader_cards)
        reader = self.reader(calibration.model if calibration else options.model)
        card = reader.card
        threshold, temperature, name = self._limits(card, calibration, options.max_error, max_error)
        return FieldPipeline(
            reader,
            threshold,
            options.constraints,
            max_pixels,
            temperature,
            calibration=name,
            notation=options.notation,
            page=options.page,
        )

    def _calibration(self, options: Options, cards: Collection[str]) -> Calibration | None:
        name = options.calibration
        if name is None:
            return None
        if name not in self.calibrations:
            reason = self.calibration_failures.get(name)
            known = ", ".join(self.calibrations) or "none"
            raise UnusableCalibration(
                f"the calibration {name!r} cannot be used: {reason}"
                if reason
                else f"there is no calibration {name!r}; the calibrations are {known}"
            )
        calibration = self.calibrations[name]
        if calibration.model not in cards:
            what = "fields" if calibration.model in self.reader_cards else "single digits"
            raise UnusableCalibration(
                f"the calibration {name!r} is for {what}: for the model {calibration.model!r}"
            )
        if options.model not in (None, calibration.model):
            raise UnusableCalibration(
                f"the calibration {name!r} is for the model {calibration.model!r}, not for"
                f" {options.model!r}"
            )
        return calibration

    def _limits(
        self,
        card: ModelCard | ReaderCard,
        calibration: Calibration | None,
        requested: float | None,
        default: float,
    ) -> tuple[float | None, float, str | None]:
        """Return threshold, temperature, and the name of the calibration, a default one too."""
        calibration = calibration or self.default_calibrations.get(card.name)
        threshold = _threshold(calibration or card, requested, default)
        if calibration is None:
            return threshold, 1.0, None
        return threshold, calibration.temperature, calibration.name


def load_catalogue(
    directory: Path,
    default: str | None = None,
    calibrations: Path | None = None,
    default_calibrations: Sequence[str] = (),
) -> Catalogue:
    """Load, check and warm up every model that `directory`/manifest.json lists.

    A model that fails does not affect the others. `default` overrides the manifest's default model;
    `default_calibrations` are for requests that name none, one per model.

    Raises:
        NothingToServe: the manifest or every model is unusable, `default` is not published, or a
            default calibration is not usable: the published thresholds would be another promise.
    """
    try:
        manifest = load_manifest(directory)
    except ManifestError as error:
        raise NothingToServe(str(error)) from error
    cards = {card.name: card for card in manifest.models}
    if default is not None and default not in cards:
        raise NothingToServe(
            f"the default model is set to {default!r}; the models are {', '.join(cards)}"
        )
    failures: dict[str, str] = {}
    classifiers = _opened(cards.values(), open_classifier, directory, failures)
    readers = _opened(manifest.readers, open_reader, directory, failures)
    if not classifiers:
        raise NothingToServe("no model could be loaded: " + "; ".join(failures.values()))
    reader_cards = {card.name: card for card in manifest.readers}
    usable, unusable = load_calibrations(calibrations, {**cards, **reader_cards})
    defaults: dict[str, Calibration] = {}
    for name in default_calibrations:
        if name not in usable:
            reason = unusable.get(name, f"there is no such file in {calibrations}")
            raise NothingToServe(f"the default calibration {name!r} cannot be used: {reason}")
        model = usable[name].model
        if model in defaults:
            raise NothingToServe(
                f"the default calibrations {defaults[model].name} and {name} are both for {model}"
            )
        defaults[model] = usable[name]
    return Catalogue(
        default or manifest.default,
        cards,
        classifiers,
        failures,
        reader_cards,
        readers,
        usable,
        unusable,
        defaults,
    )


def _threshold(card: OperatingPoints[Any], requested: float | None, default: float) -> float | None:
    if requested is not None:
        return threshold_for(card, requested)
    try:
        return threshold_for(card, default)
    except UnsupportedMaxError:
        return None


def _opened(
    cards: Iterable[_Card],
    open_file: Callable[[Path, _Card], _Opened],
    directory: Path,
    failures: dict[str, str],
) -> dict[str, _Opened]:
    opened = {}
    for card in cards:
        try:
            opened[card.name] = open_file(directory, card)
        except (ModelFileError, UnusableModel) as error:
            failures[card.name] = str(error)
            _log.error("model %s is not served: %s", card.name, error)
    return opened
