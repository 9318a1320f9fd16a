"""Arguments and options that several commands have, and how a shell completes them."""

import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from service.settings import ENVIRONMENT_PREFIX, Settings

_MODELS_DIR = f"{ENVIRONMENT_PREFIX}MODELS_DIR"


def complete_model(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of published models, for a shell."""
    return _names(ctx, incomplete, readers=bool(ctx.params.get("fields")))


def complete_reader(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of published readers of fields, for a shell."""
    return _names(ctx, incomplete, readers=True)


def complete_any(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of models and readers, for a shell."""
    models, readers = (_names(ctx, incomplete, readers=readers) for readers in (False, True))
    return models + readers


def _names(ctx: typer.Context, incomplete: str, *, readers: bool) -> list[str]:
    from models.manifest import PACKAGE_DIRECTORY, ManifestError, load_manifest  # noqa: PLC0415

    folder = ctx.params.get("models_dir") or os.environ.get(_MODELS_DIR) or PACKAGE_DIRECTORY
    try:
        manifest = load_manifest(Path(folder))
    except ManifestError:
        # The command itself says what is wrong.
        return []
    cards = manifest.readers if readers else manifest.models
    return [card.name for card in cards if card.name.startswith(incomplete)]


ModelsDir = Annotated[
    Path | None,
    typer.Option(envvar=_MODELS_DIR, help=Settings.model_fields["models_dir"].description),
]
Model = Annotated[
    str | None,
    typer.Option(help="Name of the model that answers.", autocompletion=complete_model),
]
ReaderName = Annotated[
    str | None,
    typer.Option(
        "--model", help="Name of the reader that answers.", autocompletion=complete_reader
    ),
]
MaxError = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=1.0,
        help="Error rate among accepted answers put up with; holds for digits like MNIST's.",
    ),
]
Preprocessing = Annotated[
    Literal["auto", "none"],
    typer.Option(help="auto normalises a picture; none takes one of 28 x 28 as it is."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON object per file.")]
Length = Annotated[int | None, typer.Option(help="How many digits there are.")]
MinLength = Annotated[int | None, typer.Option(help="The fewest there may be.")]
MaxLength = Annotated[int | None, typer.Option(help="The most there may be.")]
ChecksumName = Annotated[
    Literal["luhn", "aba"] | None,
    typer.Option(help="What they satisfy: card numbers luhn, US routing numbers aba."),
]
