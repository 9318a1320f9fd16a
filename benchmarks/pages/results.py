"""Figures of one run: what was read on photographs, and what it took."""

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from statistics import median

import numpy as np

from benchmarks.pages.sets import Photo
from benchmarks.reports import Record, Report
from benchmarks.serving.clients import Load
from service.forms.finding import PageNotFound
from service.forms.reading import FormPipeline, FormReading, decision_of, text_of
from service.inference.decisions import Decision

STAGES = ("decode", "find", "cut out", "read")


class Group(Record):
    """Photographs that were counted together, and their fields.

    Residuals are in pixels of the photograph, of the corner that is furthest off.
    """

    form: str
    severity: str
    photos: int
    found: int
    residual_median: float | None
    residual_worst: float | None
    fields: int
    right: int
    accepted: int
    wrong: int  # among the accepted
    pages_accepted: int
    pages_wrong: int  # among the accepted: one of the fields is


class Others(Record):
    """Pictures without the form that they were read as."""

    pictures: int
    readings: int
    found: int
    fields_accepted: int
    accepted: int


class Speed(Record):
    """What one form takes: CPU milliseconds by stage, and over HTTP on one core."""

    form: str
    stages_ms: dict[str, float]
    load: Load
    cpu_ms: float


class Memory(Record):
    """Memory of the service in MB (10^6 bytes), while the pages of a TIFF are read."""

    pages: int
    file_mb: float
    before_mb: float
    peak_mb: float


class Results(Report):
    """All figures of one run."""

    split: str
    models: dict[str, str]
    cells: int
    groups: tuple[Group, ...]
    others: Others
    speeds: tuple[Speed, ...]
    memory: Memory


Read = tuple[Photo, FormReading]


def group(form: str, severity: str, read: Iterable[Read]) -> Group:
    """Count what was read on some photographs."""
    read = list(read)
    pairs = [pair for photo, reading in read for pair in _fields(photo, reading)]
    residuals = [
        float(np.linalg.norm(found.corners - photo.corners, axis=1).max())
        for photo, reading in read
        if (found := reading.page.found)
    ]
    pages = [_fields(*each) for each in read if each[1].decision is Decision.ACCEPT]
    return Group(
        form=form,
        severity=severity,
        photos=len(read),
        found=len(residuals),
        residual_median=median(residuals) if residuals else None,
        residual_worst=max(residuals, default=None),
        fields=sum(len(photo.texts) for photo, _ in read),
        right=sum(right for right, _ in pairs),
        accepted=sum(accepted for _, accepted in pairs),
        wrong=sum(accepted and not right for right, accepted in pairs),
        pages_accepted=len(pages),
        pages_wrong=sum(not all(right for right, _ in page) for page in pages),
    )


def _fields(photo: Photo, reading: FormReading) -> list[tuple[bool, bool]]:
    """Return of each field that was read whether it is right, and whether it was accepted."""
    return [
        (text_of(result) == photo.texts[name], decision_of(result) is Decision.ACCEPT)
        for name, result in reading.fields.items()
    ]


def others(read: Sequence[Sequence[FormReading]]) -> Others:
    """Count what was read on pictures without the form, each read as some forms."""
    readings = [reading for some in read for reading in some]
    fields = [result for reading in readings for result in reading.fields.values()]
    return Others(
        pictures=len(read),
        readings=len(readings),
        found=sum(reading.page.reason is None for reading in readings),
        fields_accepted=sum(decision_of(result) is Decision.ACCEPT for result in fields),
        accepted=sum(reading.decision is Decision.ACCEPT for reading in readings),
    )


def stages_ms(pipeline: FormPipeline, files: Sequence[bytes]) -> dict[str, float]:
    """Return the median CPU milliseconds of each stage for one of `files`."""
    rows = []
    for file in files:
        times = [time.process_time()]
        picture = pipeline.decode(file)
        times.append(time.process_time())
        with suppress(PageNotFound):
            pipeline.find(picture, pipeline.form)
        times.append(time.process_time())
        page = pipeline.straighten(picture)
        times.append(time.process_time())
        pipeline.read(page)
        times.append(time.process_time())
        decoding, finding, straightening, reading = np.diff(times)
        rows.append((decoding, finding, straightening - finding, reading))
    return dict(zip(STAGES, 1_000 * np.median(rows, axis=0), strict=True))
