"""The command `python -m benchmarks.fields`: how fields are read, and how fast."""

import sys
from itertools import chain
from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.console import Console
from rich.progress import track

from benchmarks.fields.readers import FieldReader, NoReader, read_pieces
from benchmarks.fields.report import PICTURE, markdown, picture
from benchmarks.fields.results import MAX_ERRORS, Results, SetResult, read_rate, score, worst
from benchmarks.fields.sets import (
    COMPOSED_SETS,
    FieldSet,
    composed_sets,
    corrected,
    drawn_set,
    real_set,
)
from benchmarks.pen import drawn_digits
from benchmarks.reports import Split, command, machine, write
from benchmarks.robustness.readers import Readers, Source, open_readers
from models.manifest import PACKAGE_DIRECTORY, ManifestError, load_manifest
from models.mnist import DataError
from training.reader.amounts import hold_out, load_amounts

_SEED = 1
_WORST = 10
_PENNED = 200  # digits of strokes to compose drawn strips of
_DRAWN = 10  # times the composed strips of one length
_TIMED = 100  # pictures

app = typer.Typer(add_completion=False)


@app.command()
def fields(
    data_dir: Annotated[
        Path, typer.Option(envvar="NUMERAL_DATA", help="Folder with MNIST's files and orand-car-a.")
    ],
    split: Annotated[
        Split, typer.Option(help="Digits to compose: train while developing, test to publish.")
    ] = Split.TEST,
    strips: Annotated[int, typer.Option(min=1, help="Composed strips of each length.")] = 250,
    models_dir: Annotated[
        Path, typer.Option(help="Folder with manifest.json and the ONNX files.")
    ] = PACKAGE_DIRECTORY,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the report. [default: by the split]")
    ] = None,
    verify: Annotated[
        bool, typer.Option(help="Check MD5 sums; --no-verify for digits of your own.")
    ] = True,
) -> None:
    """Read composed strips and real amounts; write a report."""
    cv2.setNumThreads(1)
    reader = FieldReader(models_dir)
    digits = split.load(data_dir, verify=verify)
    _, amounts = hold_out(load_amounts(data_dir))
    model = load_manifest(models_dir).default
    digit_readers = open_readers(Source(models_dir, (model,), MAX_ERRORS[0]))
    real = real_set(amounts)
    sets = track(
        chain(composed_sets(digits, amounts, strips, _SEED), [real, corrected(real)]),
        "fields",
        total=COMPOSED_SETS + 2,
        console=Console(stderr=True),
    )
    set_results = tuple(_result(one, reader, digit_readers, model) for one in sets)
    drawn = drawn_set(drawn_digits(_PENNED, _SEED), _DRAWN * strips, _SEED)
    drawn_read, real_read = reader.read(drawn.strips), reader.read(real.strips)
    mistakes = worst([""] * len(drawn.strips), drawn_read, drawn.written, _WORST)
    pictures = [amount.grey for amount in amounts][:_TIMED]
    reader.latency_ms(pictures[:10])  # warms up
    results = Results(
        command=command("benchmarks.fields"),
        machine=machine(),
        split=split,
        seed=_SEED,
        reader=reader.card.version,
        model=model,
        sets=set_results,
        latency_ms=reader.latency_ms(pictures),
        fields_per_second=reader.fields_per_second(pictures),
        drawn=score(drawn_read, drawn.written),
        drawn_mistakes=tuple(mistakes.values()),
        real_mistakes=tuple(worst(real.names, real_read, real.written, _WORST).values()),
    )
    folder = out or split.folder
    write(folder, "fields", markdown(results), results)
    shown = [drawn.strips[index] for index in mistakes]
    picture(shown, results.drawn_mistakes).savefig(folder / PICTURE, dpi=80)


def main() -> None:
    """Run the command; print an expected error as one line and exit with status 1."""
    try:
        app()
    except (DataError, ManifestError, NoReader) as error:
        sys.exit(f"error: {error}")


def _result(one: FieldSet, reader: FieldReader, digit_readers: Readers, model: str) -> SetResult:
    free = reader.read(one.strips)
    length_known = reader.read(one.strips, [len(text) for text in one.written])
    thresholds = {error: reader.card.operating_point(error).threshold for error in MAX_ERRORS}
    return SetResult(
        name=one.name,
        free=score(free, one.written),
        length_known=score(length_known, one.written),
        components=score(read_pieces(digit_readers, model, one.strips), one.written),
        read_rates=tuple(
            read_rate(free, one.written, max_error, threshold)
            for max_error, threshold in thresholds.items()
        ),
    )


if __name__ == "__main__":
    main()
