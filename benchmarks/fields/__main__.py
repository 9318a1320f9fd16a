"""The command `python -m benchmarks.fields`: how fields are read, and how fast."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from subprocess import CalledProcessError
from typing import Annotated

import cv2
import typer

from benchmarks.fields import sheet
from benchmarks.fields.readers import MAX_ERRORS, FieldReader, NoReader, read_beside
from benchmarks.fields.report import markdown
from benchmarks.fields.results import (
    Beside,
    Results,
    SetResult,
    read_rate,
    score,
    signed,
    worst,
)
from benchmarks.fields.sets import (
    COMPOSED_SETS,
    FieldSet,
    composed_sets,
    material,
    real_set,
    signed_set,
)
from benchmarks.reports import (
    DataDir,
    ModelsDir,
    Split,
    SplitOption,
    SplitOut,
    Verify,
    progress,
    run,
    write,
)
from models.fields.formats import Notation
from models.manifest import PACKAGE_DIRECTORY
from service.inference.sessions import UnusableModel
from training.reader.amounts import Amount, hold_out, load_amounts
from training.reader.cells import FOLDER, load_cells

_SEED = 1
_WORST = 20

app = typer.Typer(add_completion=False)


@app.command()
def fields(
    data_dir: DataDir,
    split: SplitOption = Split.TEST,
    strips: Annotated[int, typer.Option(min=1, help="Composed strips of each length.")] = 250,
    models_dir: ModelsDir = PACKAGE_DIRECTORY,
    out: SplitOut = None,
    verify: Verify = True,
    beside: Annotated[
        Path | None, typer.Option(help="Python that has rapidocr 3.10, to read the same strips.")
    ] = None,
    mistakes: Annotated[
        Path | None, typer.Option(help="PNG of the worst mistakes; do not publish it.")
    ] = None,
) -> None:
    """Read composed strips, real amounts and real cells; write a report."""
    cv2.setNumThreads(1)
    reader = FieldReader(models_dir)
    _, amounts = hold_out(load_amounts(data_dir))
    source = material(split.load(data_dir, verify=verify), amounts)
    real = list(_real_sets(data_dir, amounts))
    drawn = chain(composed_sets(source, strips, _SEED), real)
    sets = progress(drawn, "fields", COMPOSED_SETS + len(real))
    set_results = tuple(_result(one, reader, beside) for one in sets)
    signs = signed_set(source, 200, _SEED)
    results = Results(
        split=split,
        seed=_SEED,
        reader=reader.card.version,
        sets=set_results,
        signed=signed(
            reader.answers(signs.strips),
            reader.answers(signs.strips, Notation("amount")),
            signs.written,
        ),
        latency_ms=reader.latency_ms(real[0].strips),
        fields_per_second=reader.fields_per_second(real[0].strips),
    )
    write(split.folder(out), "fields", markdown(results), results)
    if mistakes:
        sheet.write(mistakes, real, set_results[COMPOSED_SETS:])


def _real_sets(data_dir: Path, amounts: list[Amount]) -> Iterator[FieldSet]:
    yield real_set("real amounts", amounts)
    if (data_dir / FOLDER).is_dir():
        yield real_set("real cells", load_cells(data_dir).held_out)
    else:
        typer.echo(f"{data_dir}: has no folder {FOLDER}; real cells are not read", err=True)


def _result(one: FieldSet, reader: FieldReader, beside: Path | None) -> SetResult:
    free = reader.read(one.strips)
    length_known = reader.read(one.strips, [len(text) for text in one.written])
    return SetResult(
        name=one.name,
        free=score(free, one.written),
        length_known=score(length_known, one.written),
        read_rates=tuple(
            read_rate(free, one.written, max_error, threshold)
            for max_error, threshold in reader.thresholds.items()
        ),
        beside=_beside(one, reader, beside) if beside and one.is_read_beside else None,
        mistakes=worst(one.names, free, one.written, _WORST) if one.names else (),
    )


def _beside(one: FieldSet, reader: FieldReader, python: Path) -> Beside:
    read, latency_ms = read_beside(python, one.strips)
    return Beside(
        score=score(read, one.written),
        best=read_rate(read, one.written, MAX_ERRORS[0], None).best,
        latency_ms=latency_ms,
        own_latency_ms=reader.latency_ms(one.strips),
    )


if __name__ == "__main__":
    run(app, NoReader, UnusableModel, CalledProcessError)
