"""The command `numeral bench` and its options."""

from typing import Annotated

import typer

from service.cli.arguments import ModelsDir, complete_any
from service.cli.options import read_settings


def bench(
    *,
    model: Annotated[
        list[str] | None,
        typer.Option(help="Measure this one; may be repeated.", autocompletion=complete_any),
    ] = None,
    side: Annotated[
        int, typer.Option(min=8, max=4000, help="Width and height of the digits' pictures.")
    ] = 28,
    rounds: Annotated[int, typer.Option(min=1, help="How often each is measured.")] = 5,
    seconds: Annotated[
        float, typer.Option(min=0.01, help="How long, each time, in each of two ways.")
    ] = 0.1,
    json: Annotated[bool, typer.Option("--json", help="Print all figures as JSON.")] = False,
    models_dir: ModelsDir = None,
) -> None:
    """Measure how fast this machine reads, on one core, to plan what a service needs.

    Each model reads pictures drawn for this, one by one and in batches of 64:
    decoded, normalised, judged, as over HTTP but without it. Half a minute or less.

    Examples:
      numeral bench
      numeral bench --model resnet --model lenet5 --side 200
      numeral bench --json > machine.json

    Exit status:
      0  it was measured
      2  the command line is wrong
      3  a model cannot be used
    """
    from service.cli.bench import run  # noqa: PLC0415

    raise typer.Exit(
        run(
            read_settings(models_dir=models_dir),
            model or (),
            side=side,
            rounds=rounds,
            seconds=seconds,
            as_json=json,
        )
    )
