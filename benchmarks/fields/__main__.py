"""The command `python -m benchmarks.fields`: how fields are read, and how fast."""

from itertools import chain
from typing import Annotated

import cv2
import typer
from rich.console import Console
from rich.progress import track

from benchmarks.fields.readers import FieldReader, NoReader
from benchmarks.fields.report import markdown
from benchmarks.fields.results import MAX_ERRORS, Results, SetResult, read_rate, score, worst
from benchmarks.fields.sets import (
    COMPOSED_SETS,
    FieldSet,
    composed_sets,
    corrected,
    real_set,
)
from benchmarks.reports import (
    DataDir,
    ModelsDir,
    Split,
    SplitOption,
    SplitOut,
    Verify,
    command,
    machine,
    run,
    write,
)
from models.manifest import PACKAGE_DIRECTORY
from training.reader.amounts import hold_out, load_amounts

_SEED = 1
_WORST = 10
_TIMED = 100  # pictures

app = typer.Typer(add_completion=False)


@app.command()
def fields(
    data_dir: DataDir,
    split: SplitOption = Split.TEST,
    strips: Annotated[int, typer.Option(min=1, help="Composed strips of each length.")] = 250,
    models_dir: ModelsDir = PACKAGE_DIRECTORY,
    out: SplitOut = None,
    verify: Verify = True,
) -> None:
    """Read composed strips and real amounts; write a report."""
    cv2.setNumThreads(1)
    reader = FieldReader(models_dir)
    digits = split.load(data_dir, verify=verify)
    _, amounts = hold_out(load_amounts(data_dir))
    real = real_set(amounts)
    sets = track(
        chain(composed_sets(digits, amounts, strips, _SEED), [real, corrected(real)]),
        "fields",
        total=COMPOSED_SETS + 2,
        console=Console(stderr=True),
    )
    set_results = tuple(_result(one, reader) for one in sets)
    real_read = reader.read(real.strips)
    pictures = [amount.grey for amount in amounts][:_TIMED]
    reader.latency_ms(pictures[:10])  # warms up
    results = Results(
        command=command("benchmarks.fields"),
        machine=machine(),
        split=split,
        seed=_SEED,
        reader=reader.card.version,
        sets=set_results,
        latency_ms=reader.latency_ms(pictures),
        fields_per_second=reader.fields_per_second(pictures),
        real_mistakes=worst(real.names, real_read, real.written, _WORST),
    )
    write(split.folder(out), "fields", markdown(results), results)


def _result(one: FieldSet, reader: FieldReader) -> SetResult:
    free = reader.read(one.strips)
    length_known = reader.read(one.strips, [len(text) for text in one.written])
    thresholds = {error: reader.card.operating_point(error).threshold for error in MAX_ERRORS}
    return SetResult(
        name=one.name,
        free=score(free, one.written),
        length_known=score(length_known, one.written),
        read_rates=tuple(
            read_rate(free, one.written, max_error, threshold)
            for max_error, threshold in thresholds.items()
        ),
    )


if __name__ == "__main__":
    run(app, NoReader)
