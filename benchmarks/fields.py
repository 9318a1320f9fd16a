"""The command `python -m benchmarks.fields`: how whole fields are read, and how fast."""

import shlex
import sys
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Annotated

import cv2
import typer
from rich.console import Console
from rich.markdown import Markdown
from rich.progress import track

from benchmarks.field_readers import FieldReader, NoReader, read_components
from benchmarks.field_report import PICTURE, markdown, picture
from benchmarks.field_results import ERRORS, Results, SetResult, read_rate, score, worst
from benchmarks.field_sets import (
    COMPOSED_SETS,
    FieldSet,
    composed_sets,
    drawn_set,
    mended,
    real_set,
)
from benchmarks.pen import drawn_digits
from benchmarks.reading import Readers, Source, open_readers
from models.manifest import PACKAGE_DIRECTORY, ManifestError, load_manifest
from models.mnist import TEST, DataError, load_part
from models.strips import Grey
from service.sizing.machine import machine
from training.reader.amounts import hold_out, load_amounts

REPORT, FIGURES = "fields.md", "fields.json"
_SEED = 1
_WORST = 10
_PENNED = 200  # digits of strokes to compose drawn strips of
_DRAWN = 10  # times the composed strips of one length
_TIMED = 100  # pictures

app = typer.Typer(add_completion=False)


@app.command()
def fields(
    data_dir: Annotated[
        Path,
        typer.Option(envvar="NUMERAL_DATA", help="Folder with MNIST's test files and orand-car-a."),
    ],
    strips: Annotated[int, typer.Option(min=1, help="Composed strips of each length.")] = 250,
    models_dir: Annotated[
        Path, typer.Option(help="Folder with manifest.json and the ONNX files.")
    ] = PACKAGE_DIRECTORY,
    out: Annotated[Path, typer.Option(help="Where the report goes.")] = Path("docs/reports"),
    verify: Annotated[
        bool, typer.Option(help="Check the files' MD5 sums; --no-verify for digits of your own.")
    ] = True,
) -> None:
    """Measure and write a report, with every figure beside it as JSON."""
    cv2.setNumThreads(1)
    reader = FieldReader(models_dir)
    digits = load_part(data_dir, TEST, verify=verify)
    _, amounts = hold_out(load_amounts(data_dir))
    model = load_manifest(models_dir).default
    components = open_readers(Source(models_dir, (model,), ERRORS[0]))
    real = real_set(amounts)
    sets = track(
        chain(composed_sets(digits, amounts, strips, _SEED), [real, mended(real)]),
        "fields",
        total=COMPOSED_SETS + 2,
        console=Console(stderr=True),
    )
    set_results = tuple(_result(one, reader, components, model) for one in sets)
    drawn = drawn_set(drawn_digits(_PENNED, _SEED), _DRAWN * strips, _SEED)
    drawn_read, real_read = reader.read(drawn.strips), reader.read(real.strips)
    places, drawn_mistakes = worst([""] * len(drawn.strips), drawn_read, drawn.written, _WORST)
    pictures: Sequence[Grey] = [amount.grey for amount in amounts][:_TIMED]
    reader.latency_ms(pictures[:10])  # warms up
    results = Results(
        command=_command(data_dir, strips, models_dir, verify=verify),
        machine=machine(),
        seed=_SEED,
        reader=reader.card.version,
        model=model,
        sets=set_results,
        latency_ms=reader.latency_ms(pictures),
        fields_per_second=reader.fields_per_second(pictures),
        drawn=score(drawn_read, drawn.written),
        drawn_mistakes=drawn_mistakes,
        real_mistakes=worst(real.names, real_read, real.written, _WORST)[1],
    )
    _write(out, results, [drawn.strips[place] for place in places])


def main() -> None:
    """Run the command; an expected error becomes one line and exit status 1."""
    try:
        app()
    except (DataError, ManifestError, NoReader) as error:
        sys.exit(f"error: {error}")


def _result(one: FieldSet, reader: FieldReader, components: Readers, model: str) -> SetResult:
    free = reader.read(one.strips)
    by_length = reader.read(one.strips, [len(text) for text in one.written])
    thresholds = [reader.card.operating_point(e).threshold for e in ERRORS]
    return SetResult(
        name=one.name,
        free=score(free, one.written),
        length_known=score(by_length, one.written),
        components=score(read_components(components, model, one.strips), one.written),
        read_rates=tuple(
            read_rate(free, one.written, max_error, threshold)
            for max_error, threshold in zip(ERRORS, thresholds, strict=True)
        ),
    )


def _write(out: Path, results: Results, worst_strips: list[Grey]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    page = markdown(results)
    (out / REPORT).write_text(page)
    (out / FIGURES).write_text(results.model_dump_json(indent=1) + "\n")
    picture(worst_strips, results.drawn_mistakes).savefig(out / PICTURE, dpi=80)
    Console().print(Markdown(page))
    print(f"written: {out / REPORT}, {out / FIGURES}, {out / PICTURE}")


def _command(data_dir: Path, strips: int, models_dir: Path, *, verify: bool) -> str:
    options = ["--data-dir", str(data_dir), "--strips", str(strips)]
    if models_dir != PACKAGE_DIRECTORY:
        options += ["--models-dir", str(models_dir)]
    if not verify:
        options.append("--no-verify")
    return shlex.join(["python", "-m", "benchmarks.fields", *options])


if __name__ == "__main__":
    main()
