"""Command-line options made of the settings, so that both always say the same."""

import inspect
from collections.abc import Callable
from enum import StrEnum
from functools import reduce
from operator import or_
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import typer
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from service.settings import ENVIRONMENT_PREFIX, Settings

# Apart in the help: the column of their --no-... would squeeze what is said of the others.
_SWITCHES = "Switches"


def takes_settings(command: Callable[[Settings], None]) -> Callable[..., None]:
    """Give `command` an option for every setting: `max_batch` becomes `--max-batch`."""

    def run(**given: Any) -> None:  # noqa: ANN401 - the signature below says what is given
        command(read_settings(**given))

    run.__doc__ = command.__doc__
    run.__name__ = command.__name__
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [_parameter(name, field) for name, field in Settings.model_fields.items()]
    )
    return run


def read_settings(**given: object) -> Settings:
    """The settings from the environment, with those `given` that are not None on top.

    Raises:
        typer.BadParameter: a value cannot be used.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        faults = [(str(fault["loc"][0]), fault["msg"]) for fault in error.errors()]
        raise typer.BadParameter(
            "; ".join(f"{_called(name, given)}: {what}" for name, what in faults)
        ) from error


def _called(name: str, given: dict[str, object]) -> str:
    option = f"--{name.replace('_', '-')}"
    return f"{option} ({_variable(name)})" if name in given else _variable(name)


def _parameter(name: str, field: FieldInfo) -> inspect.Parameter:
    option = typer.Option(
        help=_description(field),
        metavar="<name>" if _choices(field) else None,
        envvar=_variable(name),
        rich_help_panel=_SWITCHES if field.annotation is bool else None,
        show_default="what is shipped" if isinstance(field.default, Path) else True,
    )
    # Several values are written in one, as in the environment; the settings part them.
    several = get_origin(field.annotation) is tuple
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=",".join(field.default) or None if several else field.default,
        annotation=Annotated[str | None if several else _plain(field.annotation), option],
    )


def _description(field: FieldInfo) -> str:
    # Choices stand here and not in the metavar, whose column would be as wide as all of them.
    choices = ", ".join(_choices(field))
    return f"{field.description} One of {choices}." if choices else str(field.description)


def _choices(field: FieldInfo) -> list[str]:
    kind = field.annotation
    return list(kind) if isinstance(kind, type) and issubclass(kind, StrEnum) else []


def _plain(annotation: Any) -> Any:  # noqa: ANN401 - what a type is depends on the type
    """`annotation` without the limits in it, which the settings check: typer would print them."""
    if get_origin(annotation) is Annotated:
        return get_args(annotation)[0]
    if get_origin(annotation) in (Union, UnionType):
        return reduce(or_, map(_plain, get_args(annotation)))
    return annotation


def _variable(name: str) -> str:
    return ENVIRONMENT_PREFIX + name.upper()
