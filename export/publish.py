"""Put models and their manifest where the service reads them, whole or not at all."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from models.manifest import MANIFEST_NAME, Manifest, ManifestError, ModelCard, load_manifest


class PublishError(Exception):
    """What is to be published does not fit together, or what is published cannot be read."""


@dataclass(frozen=True)
class Exported:
    """A model ready to be published: its card and its ONNX file."""

    card: ModelCard
    content: bytes


def publish(directory: Path, exported: Sequence[Exported], *, default: str | None = None) -> None:
    """Write the files and the manifest of `directory`, keeping models that are not exported again.

    Every file is replaced in one step, the manifest last: a reader sees each file whole.
    `default` names the model that answers when a caller names none; without it the present default
    stays, or the first model becomes it.

    Raises:
        PublishError: the directory holds a manifest that cannot be read, or `default` is no
            published model.
    """
    try:
        manifest = _manifest(directory, [model.card for model in exported], default)
    except (ManifestError, ValidationError) as error:
        raise PublishError(str(error)) from error
    directory.mkdir(parents=True, exist_ok=True)
    for model in exported:
        _replace(directory / model.card.file, model.content)
    text = manifest.model_dump_json(indent=1) + "\n"
    _replace(directory / MANIFEST_NAME, text.encode())


def _manifest(directory: Path, exported: Sequence[ModelCard], default: str | None) -> Manifest:
    present = load_manifest(directory) if (directory / MANIFEST_NAME).exists() else None
    cards = {card.name: card for card in present.models} if present else {}
    cards |= {card.name: card for card in exported}
    return Manifest(
        default=default or (present.default if present else next(iter(cards))),
        models=tuple(cards.values()),
    )


def _replace(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as temporary:
        temporary.write(content)
    temporary_path = Path(temporary.name)
    temporary_path.chmod(0o644)
    temporary_path.replace(path)
