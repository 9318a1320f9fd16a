"""The command `python -m benchmarks.pages`: forms on simulated photographs, and their cost."""

import os
import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from itertools import islice
from pathlib import Path
from typing import Annotated

import cv2
import httpx
import typer

from benchmarks import reports
from benchmarks.pages import results, sets
from benchmarks.pages.draw import FORMS, example_forms
from benchmarks.pages.photograph import SEVERITIES
from benchmarks.pages.results import STAGES, Group, Memory, Results, Speed
from benchmarks.serving.clients import ClientFailed, send
from benchmarks.serving.servers import NUMERAL, Server, ServerFailed, running
from benchmarks.serving.workloads import Workload
from models.manifest import PACKAGE_DIRECTORY, load_manifest
from service.forms.files import FormError
from service.forms.reading import FormReading
from service.forms.registry import open_form, pipeline_from_catalogue
from service.inference.catalogue import load_catalogue
from service.settings import Settings
from training.reader.cells import FOLDER, load_cells

_SEED = 1
_SERVER_CORE = 0
_JPEG, _TIFF = {"Content-Type": "image/jpeg"}, {"Content-Type": "image/tiff"}
_PEAK = re.compile(r"VmHWM:\s*(\d+) kB")
_TIMED = 12  # photographs of each form

_HEAD = """# Reading forms

Made on {results.machine}, by

    {results.command}

The models are {models}.

The [example forms](../examples/forms/cheque.yaml) are filled with digits, ticks and crosses, and
photographed by simulation on a desk: 3 megapixels, perspective, turned, in a shadow with an edge,
blurred, shaken, noisy, compressed as JPEG. Half of the pages have generated strokes, half MNIST's
{results.split} digits in tidy hands, as `training.reader.line` composes them; on these, amounts
that need not follow from others are {results.cells:,} numbers from logbooks of clinics (Meza),
held out of training, with the lines of their cells.
A cheque is found by printed squares, a giro slip by ArUco markers, an exam sheet by
its blank page. Nobody wrote on these pages: expect less of yours.

A residual is the distance of a page's corner from where it is, in pixels of the photograph, for the
corner that is furthest off. Fields are right if text, amount or mark is; the fields of pages that
were not found are not. A page is accepted if all of its fields and checks are.
"""
_OTHERS = """
## Pictures of something else

{others.pictures} pictures, of other forms, pages of text, textures, scribbles and photographs, read
as each form that they do not show: of {others.readings} readings, {others.found} found a page,
with {others.fields_accepted} accepted fields, and {others.accepted} were accepted.
"""
_SPEED = """
## Speed

Median CPU milliseconds of a page by stage, in one process; then over HTTP with a server on one
core: CPU milliseconds of the server per page, and the pages/s that they allow.
"""
_MEMORY = """
## Memory

The {memory.pages} pages of a bitonal TIFF ({memory.file_mb:.1f} MB), one request each: the service
takes {memory.before_mb:,.0f} MB before and **{memory.peak_mb:,.0f} MB** at its peak, all processes
together.
"""

app = typer.Typer(add_completion=False)


@app.command()
def pages(
    data_dir: reports.DataDir,
    split: reports.SplitOption = reports.Split.TEST,
    photos: Annotated[int, typer.Option(min=1, help="Number of photographs.")] = 200,
    others: Annotated[int, typer.Option(min=1, help="Pictures of other things.")] = 20,
    seconds: Annotated[float, typer.Option(min=1, help="Of requests for each form.")] = 10,
    tiff_pages: Annotated[int, typer.Option(min=1, help="Of the TIFF for memory.")] = 100,
    models_dir: reports.ModelsDir = PACKAGE_DIRECTORY,
    out: reports.SplitOut = None,
    verify: reports.Verify = True,
) -> None:
    """Read photographs of the example forms and of other things; write a report."""
    cv2.setNumThreads(1)
    digits = split.load(data_dir, verify=verify)
    cells = load_cells(data_dir).held_out if (data_dir / FOLDER).is_dir() else ()
    forms, settings = example_forms(), Settings(forms=FORMS)
    catalogue = load_catalogue(models_dir)
    pipelines = {
        name: pipeline_from_catalogue(open_form(FORMS / f"{name}.yaml"), catalogue, settings)
        for name in forms
    }

    def read_as(name: str, file: bytes) -> FormReading:
        pipeline = pipelines[name]
        return pipeline.read(pipeline.straighten(pipeline.decode(file)))

    read: list[results.Read] = []
    examples: dict[str, list[bytes]] = {name: [] for name in forms}
    drawn = sets.photos(forms, digits, cells, photos, _SEED)
    for photo in reports.progress(drawn, "photographs", photos):
        read.append((photo, read_as(photo.form, photo.file)))
        if len(examples[photo.form]) < _TIMED:
            examples[photo.form].append(photo.file)
    negatives = [
        [read_as(name, file) for name in forms if name != shown]
        for file, shown in islice(sets.others(digits, _SEED), others)
    ]
    stages = {name: results.stages_ms(pipelines[name], files) for name, files in examples.items()}
    with _server(models_dir) as server:
        speeds = [_speed(server, name, examples[name], seconds, stages[name]) for name in forms]
    with _server(models_dir) as server:  # another one: the first has peaks of its own
        memory = _memory(server, sets.scans(forms["exam"], tiff_pages, _SEED), tiff_pages)
    figures = Results(
        split=split,
        models=_models(models_dir),
        cells=len(cells),
        groups=tuple(_groups(read)),
        others=results.others(negatives),
        speeds=tuple(speeds),
        memory=memory,
    )
    reports.write(split.folder(out), "pages", markdown(figures), figures)


def _models(models_dir: Path) -> dict[str, str]:
    manifest = load_manifest(models_dir)
    used = [each for each in manifest.models if each.name == manifest.default]
    return {each.name: each.version for each in (*used, *manifest.readers[:1])}


def _groups(read: list[results.Read]) -> Iterator[Group]:
    """Yield a group for each form and severity, for each hand, and for all."""
    for form in dict.fromkeys(photo.form for photo, _ in read):
        for severity in (each.name for each in SEVERITIES):
            some = [one for one in read if (one[0].form, one[0].severity) == (form, severity)]
            if some:
                yield results.group(form, severity, some)
    for hand in dict.fromkeys(photo.hand for photo, _ in read):
        yield results.group(f"all, {hand}", "all", [one for one in read if one[0].hand == hand])
    yield results.group("all", "all", read)


def _server(models_dir: Path) -> AbstractContextManager[Server]:
    line = f"NUMERAL_FORMS={FORMS} NUMERAL_MODELS_DIR={models_dir.resolve()} {NUMERAL}"
    return running("numeral", line, {_SERVER_CORE}, model=load_manifest(models_dir).default)


def _speed(
    server: Server, form: str, files: list[bytes], seconds: float, stages: dict[str, float]
) -> Speed:
    load = Workload(form, f"/forms/{form}", _JPEG, tuple(files), connections=4, client="httpx")
    clients = os.sched_getaffinity(0) - {_SERVER_CORE} or {_SERVER_CORE}
    send(load, server.url + load.path, 1, clients)  # warms up
    before = server.cpu_seconds()
    found = send(load, server.url + load.path, seconds, clients)
    cpu_ms = 1_000 * (server.cpu_seconds() - before) / found.requests
    return Speed(form=form, stages_ms=stages, load=found, cpu_ms=cpu_ms)


def _memory(server: Server, file: bytes, count: int) -> Memory:
    before = server.memory_mb()
    for page in range(1, count + 1):
        url = f"{server.url}/forms/exam?page={page}"
        httpx.post(url, content=file, headers=_TIFF, timeout=60).raise_for_status()
    peaks = [
        _PEAK.search(Path(f"/proc/{each.pid}/status").read_text()) for each in server.processes()
    ]
    return Memory(
        pages=count,
        file_mb=len(file) / 1e6,
        before_mb=before,
        peak_mb=sum(int(peak[1]) * 1024 / 1e6 for peak in peaks if peak),
    )


def markdown(figures: Results) -> Iterator[str]:
    """Yield the lines of the page."""
    models = ", ".join(f"`{name}` {version}" for name, version in figures.models.items())
    yield _HEAD.format(results=figures, models=models)
    columns = ("photos", "found", "residual: median", "worst", "fields", "right")
    accepted = ("accepted", "wrong among them", "pages accepted", "wrong among them")
    yield from reports.header("form", "severity", *columns, *accepted)
    for one in figures.groups:
        residuals = (
            "-" if px is None else f"{px:.1f}" for px in (one.residual_median, one.residual_worst)
        )
        right, taken = (f"{count / one.fields:.1%}" for count in (one.right, one.accepted))
        pages = one.pages_accepted, one.pages_wrong
        counts = one.fields, right, taken, one.wrong, *pages
        yield reports.row(one.form, one.severity, one.photos, one.found, *residuals, *counts)
    yield _OTHERS.format(others=figures.others)
    yield _SPEED
    yield from reports.header(
        "form", *STAGES, "HTTP: CPU ms", "pages/s of a core", "measured", "failed"
    )
    for speed in figures.speeds:
        ms = (f"{speed.stages_ms[stage]:.1f}" for stage in STAGES)
        rates = f"{1_000 / speed.cpu_ms:.1f}", f"{speed.load.requests / speed.load.seconds:.1f}"
        yield reports.row(speed.form, *ms, f"{speed.cpu_ms:.1f}", *rates, speed.load.failed)
    yield _MEMORY.format(memory=figures.memory)


if __name__ == "__main__":
    reports.run(app, ClientFailed, FormError, ServerFailed)
