"""Readers of fields on one thread: the published one as the service runs it, and RapidOCR's."""

import json
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Self

import cv2

from benchmarks.fields import pp_ocr
from models.fields.constraints import Constraints
from models.fields.formats import ANY, Notation
from models.manifest import load_manifest
from models.strips import Grey
from service.imaging import SeenStrip, UnreadableImage
from service.inference.field_answers import FieldAnswer, FieldReason
from service.inference.fields import FieldPipeline
from service.inference.sessions import open_reader
from training.reader.texts import only_digits

MAX_ERRORS = (0.01, 0.005)
_TIMED = 100  # pictures

# A grey picture, or a strip as a reader sees it.
Content = Grey | SeenStrip


class NoReader(Exception):
    """The manifest has no reader; the message says how to make one."""


@dataclass(frozen=True)
class Read:
    """The text on a strip, and the confidence in it."""

    text: str
    confidence: float

    @classmethod
    def of(cls, answer: FieldAnswer) -> Self:
        """Take both from `answer`; the confidence is 0 if it is reviewed at any threshold."""
        may_be_accepted = set(answer.reasons) <= {FieldReason.LOW_CONFIDENCE}
        return cls(answer.text or "", answer.confidence if may_be_accepted else 0.0)


class FieldReader:
    """The published reader in `models_dir`, in the service's pipeline.

    Raises:
        NoReader: none is published.
    """

    def __init__(self, models_dir: Path) -> None:
        readers = load_manifest(models_dir).readers
        if not readers:
            raise NoReader(f'{models_dir}: has no reader; run "python -m export RUN" with one')
        self.card = readers[0]
        self.thresholds = {
            error: self.card.operating_point(error).threshold for error in MAX_ERRORS
        }
        reader, threshold = open_reader(models_dir, self.card), self.thresholds[MAX_ERRORS[0]]
        self._pipeline = FieldPipeline(reader, threshold, Constraints(), max_pixels=0)

    def answers(self, contents: Sequence[Content], notation: Notation = ANY) -> list[FieldAnswer]:
        """Answer as the service does at the first of MAX_ERRORS."""
        return self._answers(contents, [replace(self._pipeline, notation=notation)] * len(contents))

    def read(self, contents: Sequence[Content], lengths: Sequence[int] | None = None) -> list[Read]:
        """Read `contents`, with their `lengths` if they are known."""
        pipelines = [self._pipeline] * len(contents)
        if lengths:
            known = [Constraints(length=length) for length in lengths]
            pipelines = [replace(self._pipeline, constraints=each) for each in known]
        return [Read.of(answer) for answer in self._answers(contents, pipelines)]

    def _answers(
        self, contents: Sequence[Content], pipelines: Sequence[FieldPipeline]
    ) -> list[FieldAnswer]:
        inputs = [self._pipeline.normalise(content) for content in contents]
        found = self._pipeline.read_inputs(inputs, pipelines)
        return [one.answer for one in found if not isinstance(one, UnreadableImage)]

    def latency_ms(self, contents: Sequence[Content]) -> float:
        """Measure the median time from one of `contents` to its answer, on the first of them."""
        timed = contents[:_TIMED]
        self.read(timed[:10])  # warms up
        return 1_000 * median(self._seconds([content]) for content in timed)

    def fields_per_second(self, contents: Sequence[Content]) -> float:
        """Measure the speed in batches of one width."""
        return len(contents) / self._seconds(contents)

    def _seconds(self, contents: Sequence[Content]) -> float:
        start = time.perf_counter()
        self.read(contents)
        return time.perf_counter() - start


def read_beside(python: Path, contents: Sequence[Content]) -> tuple[list[Read], float]:
    """Read the digits of `contents` with `pp_ocr`, run by the interpreter `python`.

    Returns:
        What was read, and the median time in milliseconds.

    Raises:
        subprocess.CalledProcessError: it failed; its errors are on stderr.
    """
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{place}.png" for place in range(len(contents))]
        for path, content in zip(paths, contents, strict=True):
            grey = content.strip.pixels if isinstance(content, SeenStrip) else content
            cv2.imwrite(str(path), grey)
        # Isolated, so that the modules beside the script do not hide others.
        arguments = [python, "-I", pp_ocr.__file__, *paths]
        done = subprocess.run(arguments, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    found = [json.loads(line) for line in done.stdout.splitlines()]
    read = [Read(only_digits(one["text"]), one["confidence"]) for one in found]
    return read, median(one["ms"] for one in found)
