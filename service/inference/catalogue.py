"""The published models as far as they could be loaded."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from models.manifest import ManifestError, ModelCard, ModelFileError, load_manifest
from models.reader_card import ReaderCard
from service.inference.contract import UnusableModel
from service.inference.readers import Reader, open_reader
from service.inference.sessions import Classifier, open_classifier

_Card = TypeVar("_Card", ModelCard, ReaderCard)
_Opened = TypeVar("_Opened")

_log = logging.getLogger(__name__)


class UnknownModel(LookupError):
    """No model of that name is published."""


class ModelUnavailable(Exception):
    """The model is published, but could not be loaded."""


class NothingToServe(Exception):
    """Not one model could be loaded."""


@dataclass(frozen=True)
class Catalogue:
    """What the manifest lists, split into what works and what does not.

    Never changed: models are reloaded by making another one.

    Attributes:
        default: name of the model that answers when a caller names none.
        cards: every published model, in the manifest's order.
        classifiers: those that are loaded, by name.
        failures: why each of the others is not, by name, readers among them.
        reader_cards: every published reader of fields; the first answers when a caller names none.
        readers: those that are loaded, by name.
    """

    default: str
    cards: Mapping[str, ModelCard]
    classifiers: Mapping[str, Classifier]
    failures: Mapping[str, str]
    reader_cards: Mapping[str, ReaderCard] = field(default_factory=dict)
    readers: Mapping[str, Reader] = field(default_factory=dict)

    @property
    def default_reader(self) -> str | None:
        """Name of the reader that answers when a caller names none; None: none is published."""
        return next(iter(self.reader_cards), None)

    @property
    def versions(self) -> dict[str, str]:
        """The version of everything that is loaded, by name."""
        cards: list[ModelCard | ReaderCard] = [each.card for each in self.classifiers.values()]
        cards += [each.card for each in self.readers.values()]
        return {card.name: card.version for card in cards}

    def card(self, name: str) -> ModelCard:
        """The card of the model `name`, loaded or not.

        Raises:
            UnknownModel: no such model is published.
        """
        try:
            return self.cards[name]
        except KeyError:
            hint = "; it reads fields" if name in self.reader_cards else ""
            raise UnknownModel(
                f"there is no model {name!r}{hint}; the models are {', '.join(self.cards)}"
            ) from None

    def classifier(self, name: str | None = None) -> Classifier:
        """The model `name`, or the default one.

        Raises:
            UnknownModel: no such model is published.
            ModelUnavailable: it could not be loaded.
        """
        card = self.card(self.default if name is None else name)
        try:
            return self.classifiers[card.name]
        except KeyError:
            raise ModelUnavailable(
                f"the model {card.name!r} could not be loaded ({self.failures[card.name]});"
                f" name another one: {', '.join(self.classifiers)}"
            ) from None

    def reader(self, name: str | None = None) -> Reader:
        """The reader `name`, or the default one.

        Raises:
            UnknownModel: no such reader is published, or none at all.
            ModelUnavailable: it could not be loaded.
        """
        name = self.default_reader if name is None else name
        if name is None:
            raise UnknownModel("no reader is published, so that fields cannot be read")
        if name not in self.reader_cards:
            known = ", ".join(self.reader_cards)
            raise UnknownModel(f"there is no reader {name!r}; the readers are {known or 'none'}")
        if name not in self.readers:
            raise ModelUnavailable(
                f"the reader {name!r} could not be loaded ({self.failures[name]})"
            )
        return self.readers[name]


def load_catalogue(directory: Path, default: str | None = None) -> Catalogue:
    """Load, check and warm up every model that `directory`/manifest.json lists.

    One that fails does not stop the others.

    Args:
        directory: the folder with the manifest and the ONNX files.
        default: overrules the manifest's default model.

    Raises:
        NothingToServe: the manifest or every single model is unusable, or `default` is not among
            the models.
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
    return Catalogue(
        default or manifest.default,
        cards,
        classifiers,
        failures,
        {card.name: card for card in manifest.readers},
        readers,
    )


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
