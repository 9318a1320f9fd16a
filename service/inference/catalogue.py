"""The published models as far as they could be loaded."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models.manifest import ManifestError, ModelCard, ModelFileError, load_manifest
from service.inference.sessions import Classifier, UnusableModel, open_classifier

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
        failures: why each of the others is not, by name.
    """

    default: str
    cards: Mapping[str, ModelCard]
    classifiers: Mapping[str, Classifier]
    failures: Mapping[str, str]

    def card(self, name: str) -> ModelCard:
        """The card of the model `name`, loaded or not.

        Raises:
            UnknownModel: no such model is published.
        """
        try:
            return self.cards[name]
        except KeyError:
            raise UnknownModel(
                f"there is no model {name!r}; the models are {', '.join(self.cards)}"
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
    classifiers: dict[str, Classifier] = {}
    failures: dict[str, str] = {}
    for name, card in cards.items():
        try:
            classifiers[name] = open_classifier(directory, card)
        except (ModelFileError, UnusableModel) as error:
            failures[name] = str(error)
            _log.error("model %s is not served: %s", name, error)
    if not classifiers:
        raise NothingToServe("no model could be loaded: " + "; ".join(failures.values()))
    return Catalogue(default or manifest.default, cards, classifiers, failures)
