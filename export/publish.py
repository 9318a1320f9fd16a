"""Atomic writing of models and their manifest into the directory of the service."""

import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from models.manifest import MANIFEST_NAME, Manifest, ManifestError, ModelCard, load_manifest
from models.reader_card import ReaderCard

Card = ModelCard | ReaderCard


class PublishError(Exception):
    """The models cannot be published: they do not fit together, or into the directory."""


@dataclass(frozen=True)
class Exported:
    """A model or reader ready to publish: card and ONNX file."""

    card: Card
    content: bytes


def publish(directory: Path, exported: Sequence[Exported], *, default: str | None = None) -> None:
    """Write models and manifest into `directory`; models of other architectures stay.

    Everything is written to temporary files first and renamed at the end, the manifest last, so a
    full disk changes nothing, and readers see complete files. Without `default` the current default
    model stays, or the first model becomes the default.

    Raises:
        PublishError: the manifest in the directory is unreadable, the directory cannot be written
            to, `default` is not a published model, or there would be readers only.
    """
    cards = [model.card for model in exported]
    try:
        present = load_manifest(directory) if (directory / MANIFEST_NAME).exists() else None
        manifest = _merged(present, cards, default)
        contents = {model.card.file: model.content for model in exported}
        contents[MANIFEST_NAME] = (manifest.model_dump_json(indent=1) + "\n").encode()
        directory.mkdir(parents=True, exist_ok=True)
        _replace(directory, contents)
    except ManifestError as error:
        raise PublishError(f"{error}; export all models into an empty directory") from error
    except (ValidationError, OSError) as error:
        raise PublishError(f"{directory}: {error}") from error
    published = {card.file for card in (*manifest.models, *manifest.readers)}
    for card in (*present.models, *present.readers) if present else ():
        if card.file not in published:
            (directory / card.file).unlink(missing_ok=True)


def _merged(present: Manifest | None, exported: list[Card], default: str | None) -> Manifest:
    # The study is about the architecture: its results stay until there are others.
    studies = {card.name: card.study for card in present.models} if present else {}
    models = [
        card if card.study else card.model_copy(update={"study": studies.get(card.name, ())})
        for card in exported
        if isinstance(card, ModelCard)
    ]
    readers = [card for card in exported if isinstance(card, ReaderCard)]
    if not present and not models:
        raise PublishError("a reader needs a published digit model; export one of those first")
    replaced = {card.architecture for card in exported}
    models_left = [c for c in present.models if c.architecture not in replaced] if present else []
    readers_left = [c for c in present.readers if c.architecture not in replaced] if present else []
    return Manifest(
        default=default or (present.default if present else models[0].name),
        models=(*models_left, *models),
        readers=(*readers_left, *readers),
    )


def _replace(directory: Path, contents: Mapping[str, bytes]) -> None:
    with tempfile.TemporaryDirectory(dir=directory, prefix=".publishing-") as staging:
        for name, content in contents.items():
            with (Path(staging) / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for name in contents:
            (Path(staging) / name).replace(directory / name)
