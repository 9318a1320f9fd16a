"""The published reader of fields, on one thread."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from export.reader.read import hypotheses, run_session
from export.speed import on_one_thread
from models.fields.confidence import confidences
from models.fields.constraints import Constraints
from models.fields.decode import Hypothesis
from models.manifest import load_manifest, read_model_file
from models.reader_card import ReaderCard
from models.strips import Grey, standardise


class NoReader(Exception):
    """The manifest has no reader; the message says how to make one."""


@dataclass(frozen=True)
class Read:
    """The text on a strip, and the confidence in it."""

    text: str
    confidence: float


class FieldReader:
    """The published reader in `models_dir`, on one thread.

    Raises:
        NoReader: none is published.
    """

    def __init__(self, models_dir: Path) -> None:
        readers = load_manifest(models_dir).readers
        if not readers:
            raise NoReader(f'{models_dir}: has no reader; run "python -m export RUN" with one')
        self.card: ReaderCard = readers[0]
        self._session = on_one_thread(read_model_file(models_dir, self.card))

    def read(self, strips: Sequence[Grey], lengths: Sequence[int] | None = None) -> list[Read]:
        """Read standardised `strips`, with their `lengths` if they are known."""
        outputs = run_session(self._session, strips)
        found = hypotheses(
            outputs, lambda index: Constraints(length=lengths[index] if lengths else None)
        )
        return [self._best(strip) for strip in found]

    def _best(self, found: Sequence[Hypothesis]) -> Read:
        if not found or not found[0].text:
            return Read("", 0.0)
        return Read(found[0].text, confidences(found, self.card.confidence)[0])

    def latency_ms(self, pictures: Sequence[Grey]) -> float:
        """Measure the median time from one grey picture to its text."""
        return 1_000 * median(self._seconds([picture]) for picture in pictures)

    def fields_per_second(self, pictures: Sequence[Grey]) -> float:
        """Measure the speed on grey pictures in batches of one width."""
        return len(pictures) / self._seconds(pictures)

    def _seconds(self, pictures: Sequence[Grey]) -> float:
        start = time.perf_counter()
        self.read([standardise(picture).pixels for picture in pictures])
        return time.perf_counter() - start
