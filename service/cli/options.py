"""Options: those that several commands share, and one for every setting of the service."""

import inspect
import os
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import reduce
from operator import or_
from pathlib import Path
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import typer
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from models.fields.formats import DecimalMark, Format, Notation, Order
from service.settings import ENVIRONMENT_PREFIX, Settings

if TYPE_CHECKING:
    from models.fields.constraints import Constraints

_STANDARD_INPUT = Path("-")

# A panel of their own in the help: their --no-... would squeeze the descriptions of the others.
_SWITCHES = "Switches"


def read_settings(**given: object) -> Settings:
    """Return the settings from the environment, overridden by those `given` that are not None.

    Raises:
        typer.BadParameter: a value is invalid.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        faults = [(str(fault["loc"][0]), fault["msg"]) for fault in error.errors()]
        raise typer.BadParameter(
            "; ".join(f"{_label(name, given)}: {what}" for name, what in faults)
        ) from error


def takes_settings(command: Callable[[Settings], None]) -> Callable[..., None]:
    """Give `command` an option for every setting: `max_batch` becomes `--max-batch`."""

    def run(**given: Any) -> None:  # noqa: ANN401 - the signature below has the types
        command(read_settings(**given))

    run.__doc__ = command.__doc__
    run.__name__ = command.__name__
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [_parameter(name, field) for name, field in Settings.model_fields.items()]
    )
    return run


def read_pages(file: Path, page: int | None) -> tuple[bytes, Sequence[int]]:
    """Return the content of `file`, or of standard input for -, and its pages: `page`, or all.

    Raises:
        OSError, UnreadableImage: it cannot be read.
    """
    from service.imaging import count_pages

    content = sys.stdin.buffer.read() if file == _STANDARD_INPUT else file.read_bytes()
    return content, [page] if page else range(1, count_pages(content) + 1)


def read_rules(
    length: int | None,
    min_length: int | None,
    max_length: int | None,
    checksum: str | None,
    format_name: Format | None,
    decimal: DecimalMark | None,
    order: Order | None,
    expected: str | None = None,
) -> "tuple[Constraints, Notation]":
    """Return what the options say about the digits of a field, and what they mean.

    Raises:
        typer.BadParameter: they contradict each other.
    """
    from models.fields.constraints import Checksum, Constraints

    known = Checksum(checksum) if checksum else None
    try:
        constraints = Constraints(length, min_length, max_length, known)
        notation = Notation(format_name, decimal, order, expected)
        notation.require_possible(constraints)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    return constraints, notation


def _label(name: str, given: dict[str, object]) -> str:
    option = f"--{name.replace('_', '-')}"
    return f"{option} ({_variable(name)})" if name in given else _variable(name)


def _parameter(name: str, field: FieldInfo) -> inspect.Parameter:
    option = typer.Option(
        help=_description(field),
        metavar="<name>" if _choices(field) else None,
        envvar=_variable(name),
        rich_help_panel=_SWITCHES if field.annotation is bool else None,
        show_default="the published models" if isinstance(field.default, Path) else True,
    )
    # Several values are written as one, as in the environment; the settings split them.
    several = get_origin(field.annotation) is tuple
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=",".join(field.default) or None if several else field.default,
        annotation=Annotated[str | None if several else _plain(field.annotation), option],
    )


def _description(field: FieldInfo) -> str:
    # Not in the metavar: its column would be as wide as all choices.
    choices = ", ".join(_choices(field))
    return f"{field.description} One of {choices}." if choices else str(field.description)


def _choices(field: FieldInfo) -> list[str]:
    kind = field.annotation
    return list(kind) if isinstance(kind, type) and issubclass(kind, StrEnum) else []


def _plain(annotation: Any) -> Any:  # noqa: ANN401 - a type
    """Return `annotation` without its limits, which typer would print and the settings check."""
    if get_origin(annotation) is Annotated:
        return get_args(annotation)[0]
    if get_origin(annotation) in (Union, UnionType):
        return reduce(or_, map(_plain, get_args(annotation)))
    return annotation


def _variable(name: str) -> str:
    return ENVIRONMENT_PREFIX + name.upper()


def _complete_model(ctx: typer.Context, incomplete: str) -> list[str]:
    return _published(ctx, incomplete, readers=bool(ctx.params.get("fields")))


def _complete_reader(ctx: typer.Context, incomplete: str) -> list[str]:
    return _published(ctx, incomplete, readers=True)


def _published(ctx: typer.Context, incomplete: str, *, readers: bool) -> list[str]:
    from models.manifest import PACKAGE_DIRECTORY, ManifestError, load_manifest

    given = ctx.params.get("models_dir") or os.environ.get(_variable("models_dir"))
    try:
        manifest = load_manifest(Path(given or PACKAGE_DIRECTORY))
    except ManifestError:
        # The command itself reports it.
        return []
    cards = manifest.readers if readers else manifest.models
    return [card.name for card in cards if card.name.startswith(incomplete)]


ModelsDir = Annotated[
    Path | None,
    typer.Option(
        envvar=_variable("models_dir"), help=Settings.model_fields["models_dir"].description
    ),
]
Model = Annotated[
    str | None, typer.Option(help="The model to use.", autocompletion=_complete_model)
]
ReaderName = Annotated[
    str | None, typer.Option("--model", help="The reader to use.", autocompletion=_complete_reader)
]
MaxError = Annotated[
    float | None,
    typer.Option(
        min=0.0,
        max=1.0,
        help="Maximum error rate among accepted answers, measured on digits like MNIST's.",
    ),
]
CalibrationName = Annotated[
    str | None,
    typer.Option(help="A calibration in the directory NUMERAL_CALIBRATIONS, by its name."),
]
FormName = Annotated[
    str | None,
    typer.Option("--form", help="A form in the directory NUMERAL_FORMS, or a form file."),
]
PreprocessName = Annotated[
    Literal["auto", "none"],
    typer.Option(help="auto normalises a picture; none takes a 28 x 28 picture as it is."),
]
AllPages = Annotated[
    int | None,
    typer.Option(min=1, help="Page of a PDF or a TIFF to read.", show_default="all pages"),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print a JSON object per file.")]
Length = Annotated[int | None, typer.Option(help="Number of digits.")]
MinLength = Annotated[int | None, typer.Option(help="Minimum number of digits.")]
MaxLength = Annotated[int | None, typer.Option(help="Maximum number of digits.")]
ChecksumName = Annotated[
    Literal["luhn", "aba"] | None,
    typer.Option(help="Check digit: luhn for card numbers, aba for US routing numbers."),
]
FormatName = Annotated[
    Format | None, typer.Option("--format", help="What is written; anything else needs review.")
]
DecimalName = Annotated[
    DecimalMark | None,
    typer.Option("--decimal", help="Decimal mark of amounts, where 1.250 could be either."),
]
OrderName = Annotated[
    Order | None, typer.Option("--order", help="Order of day, month and year in dates.")
]
