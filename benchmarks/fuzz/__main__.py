"""The command `python -m benchmarks.fuzz`: damaged request bodies, guided by coverage (atheris).

Each target takes bytes and may raise only what the service answers with a problem, within limits of
time and memory. Interesting inputs stay in `runs/fuzz`, and the next run starts from them.
"""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from service.extras import how_to_install, is_installed

NAMES = ("multipart", "json", "ndjson", "npy", "tensor", "picture")

# Limits per input; a target that exceeds them counts as broken.
_LIMITS = ("-timeout=10", "-rss_limit_mb=2048", "-max_len=8192")

# Packages that parse bodies in Python: their branches are counted.
_COUNTED = ("service", "python_multipart", "PIL", "numpy.lib._format_impl")

app = typer.Typer(add_completion=False)


@app.command()
def fuzz(
    names: Annotated[
        list[str] | None, typer.Argument(help=f"Of {', '.join(NAMES)}. [default: all]")
    ] = None,
    seconds: Annotated[int, typer.Option(min=1, help="For each target.")] = 60,
    folder: Annotated[Path, typer.Option(help="Where inputs are stored.")] = Path("runs/fuzz"),
) -> None:
    """Damage request bodies in search of new branches; exit with 1 if an input breaks a target."""
    if not is_installed("atheris"):
        raise typer.BadParameter(
            f"atheris is not installed: {how_to_install('benchmarks')}, on Linux x86_64 with"
            " Python 3.13 or earlier"
        )
    names = names or list(NAMES)
    if unknown := set(names) - set(NAMES):
        raise typer.BadParameter(f"unknown: {', '.join(unknown)}; targets: {', '.join(NAMES)}")
    if len(names) == 1:
        run_target(names[0], folder, seconds)
    options = ("--seconds", str(seconds), "--folder", str(folder))
    command = (sys.executable, "-m", "benchmarks.fuzz", *options)
    broken = [name for name in names if subprocess.run((*command, name), check=False).returncode]  # noqa: S603
    print(f"broken: {', '.join(broken) or 'none'}; the inputs that broke them: {folder}/NAME-*")
    raise typer.Exit(int(bool(broken)))


def run_target(name: str, folder: Path, seconds: int) -> None:
    """Run one target under libFuzzer, which ends this process."""
    import atheris  # noqa: PLC0415 - optional

    with atheris.instrument_imports(include=list(_COUNTED)):
        from benchmarks.fuzz.targets import TARGETS  # noqa: PLC0415 - counts its branches
    target, corpus = TARGETS[name], folder / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(target.seeds()):
        (corpus / f"seed-{number}").write_bytes(seed)
    options = (*_LIMITS, f"-max_total_time={seconds}", f"-artifact_prefix={corpus}-")
    atheris.Setup([sys.argv[0], str(corpus), *options], target.run)
    atheris.Fuzz()


if __name__ == "__main__":
    app()
