"""Put models and their manifest where the service reads them, whole or not at all."""

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
    """What is to be published does not fit together, or what is published cannot be read."""


@dataclass(frozen=True)
class Exported:
    """A model or a reader ready to be published: its card and its ONNX file."""

    card: Card
    content: bytes


def publish(directory: Path, exported: Sequence[Exported], *, default: str | None = None) -> None:
    """Write the files and the manifest of `directory`, keeping models of other architectures.

    Everything is written beside its place first and renamed at the end, the manifest last, so that
    a full disk changes nothing and readers see each file whole. `default` names the model that
    answers when a caller names none; without it the present default stays, or the first model
    becomes it.

    Raises:
        PublishError: the directory holds a manifest that cannot be read, or cannot be written to,
            or `default` is no published model; or it is to hold readers alone.
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
        raise PublishError(f"{error}; export every model into an empty folder") from error
    except (ValidationError, OSError) as error:
        raise PublishError(f"{directory}: {error}") from error
    published = {card.file for card in (*manifest.models, *manifest.readers)}
    for card in (*present.models, *present.readers) if present else ():
        if card.file not in published:
            (directory / card.file).unlink(missing_ok=True)


def _merged(present: Manifest | None, exported: list[Card], default: str | None) -> Manifest:
    models = [card for card in exported if isinstance(card, ModelCard)]
    readers = [card for card in exported if isinstance(card, ReaderCard)]
    if not present and not models:
        raise PublishError("a reader is published beside digit models; export one of them first")
    replaced = {card.architecture for card in exported}
    kept = [c for c in present.models if c.architecture not in replaced] if present else []
    read = [c for c in present.readers if c.architecture not in replaced] if present else []
    return Manifest(
        default=default or (present.default if present else models[0].name),
        models=(*kept, *models),
        readers=(*read, *readers),
    )


def _replace(directory: Path, contents: Mapping[str, bytes]) -> None:
    with tempfile.TemporaryDirectory(dir=directory, prefix=".publishing-") as beside:
        for name, content in contents.items():
            with (Path(beside) / name).open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for name in contents:
            (Path(beside) / name).replace(directory / name)
