"""Command-line options made of the settings, so that both always say the same."""

import inspect
from collections.abc import Callable
from functools import reduce
from operator import or_
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import typer
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from service.settings import ENVIRONMENT_PREFIX, Settings


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
        faults = [f"{_variable(str(fault['loc'][0]))}: {fault['msg']}" for fault in error.errors()]
        raise typer.BadParameter("; ".join(faults)) from error


def _parameter(name: str, field: FieldInfo) -> inspect.Parameter:
    option = typer.Option(help=field.description, envvar=_variable(name))
    # Several values are written in one, as in the environment; the settings part them.
    several = get_origin(field.annotation) is tuple
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=",".join(field.default) or None if several else field.default,
        annotation=Annotated[str | None if several else _plain(field.annotation), option],
    )


def _plain(annotation: Any) -> Any:  # noqa: ANN401 - what a type is depends on the type
    """`annotation` without the limits in it, which the settings check: typer would print them."""
    if get_origin(annotation) is Annotated:
        return get_args(annotation)[0]
    if get_origin(annotation) in (Union, UnionType):
        return reduce(or_, map(_plain, get_args(annotation)))
    return annotation


def _variable(name: str) -> str:
    return ENVIRONMENT_PREFIX + name.upper()
