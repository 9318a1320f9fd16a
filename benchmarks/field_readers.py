"""Two ways to read a strip: the published reader, and components read by the digit models."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from benchmarks.conditions import png
from benchmarks.reading import NO_DIGIT, Readers
from export.reader.read import hypotheses, run_session
from export.speed import on_one_thread
from models.fields.confidence import confidences
from models.fields.constraints import Constraints
from models.fields.decode import Hypothesis
from models.manifest import load_manifest, read_model_file
from models.reader_card import ReaderCard
from models.strips import PAPER, Grey, standardise

_INK = PAPER - 56  # a third of the way from paper to the darkest ink
_SPECK = 12  # pixels of a strip's 40 rows; less is no digit
_LEAST_HEIGHT = 10  # rows; less is a separator
_ROOM = 4  # pixels around a piece


class NoReader(Exception):
    """The manifest holds no reader; the message says how to make one."""


@dataclass(frozen=True)
class Read:
    """What stands on a strip, and how sure that is."""

    text: str
    confidence: float


class FieldReader:
    """The published reader of `models_dir`, on one thread.

    Raises:
        NoReader: none is published.
    """

    def __init__(self, models_dir: Path) -> None:
        readers = load_manifest(models_dir).readers
        if not readers:
            raise NoReader(f'{models_dir}: holds no reader; run "python -m export RUN" with one')
        self.card: ReaderCard = readers[0]
        self._session = on_one_thread(read_model_file(models_dir, self.card))

    def read(self, strips: Sequence[Grey], lengths: Sequence[int] | None = None) -> list[Read]:
        """What stands on standardised `strips`, with their `lengths` where they are known."""
        outputs = run_session(self._session, strips)
        found = hypotheses(
            outputs, lambda place: Constraints(length=lengths[place] if lengths else None)
        )
        return [self._best(strip) for strip in found]

    def _best(self, found: Sequence[Hypothesis]) -> Read:
        if not found or not found[0].text:
            return Read("", 0.0)
        return Read(found[0].text, confidences(found, self.card.confidence)[0])

    def latency_ms(self, pictures: Sequence[Grey]) -> float:
        """The median time from one grey picture to its text."""
        return 1_000 * median(self._seconds([picture]) for picture in pictures)

    def fields_per_second(self, pictures: Sequence[Grey]) -> float:
        """Grey pictures read in batches of one width."""
        return len(pictures) / self._seconds(pictures)

    def _seconds(self, pictures: Sequence[Grey]) -> float:
        began = time.perf_counter()
        self.read([standardise(picture).pixels for picture in pictures])
        return time.perf_counter() - began


def read_components(readers: Readers, model: str, strips: Sequence[Grey]) -> list[Read]:
    """The baseline: each piece of ink is a digit, read by the digit `model`."""
    found = []
    for strip in strips:
        pictures = [png(piece) for piece in pieces(strip)]
        if not pictures:
            found.append(Read("", 0.0))
            continue
        answers = readers.read(pictures)[model]
        text = "".join(str(digit) for digit in answers.digits if digit != NO_DIGIT)
        found.append(Read(text, float(np.prod(answers.confidences))))
    return found


def pieces(strip: Grey) -> list[Grey]:
    """The pieces of ink on a standardised strip that may be digits, dark on light, left to right.

    Pieces above one another are one.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        (strip < _INK).astype(np.uint8), connectivity=8
    )
    kept = [n for n in range(1, count) if stats[n, cv2.CC_STAT_AREA] >= _SPECK]
    groups: list[tuple[int, int, list[int]]] = []
    for n in sorted(kept, key=lambda n: stats[n, cv2.CC_STAT_LEFT]):
        left = int(stats[n, cv2.CC_STAT_LEFT])
        right = left + int(stats[n, cv2.CC_STAT_WIDTH])
        if groups and left < (groups[-1][0] + groups[-1][1]) // 2 + _ROOM and left < groups[-1][1]:
            first, last, members = groups[-1]
            groups[-1] = first, max(last, right), [*members, n]
        else:
            groups.append((left, right, [n]))
    return [
        piece
        for _, _, members in groups
        if (piece := _cut_out(strip, np.isin(labels, members))).shape[0] - 2 * _ROOM
        >= _LEAST_HEIGHT
    ]


def _cut_out(strip: Grey, mask: np.ndarray) -> Grey:
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    piece = np.where(mask, strip, PAPER)[y : y + height, x : x + width].astype(np.uint8)
    return cv2.copyMakeBorder(piece, _ROOM, _ROOM, _ROOM, _ROOM, cv2.BORDER_CONSTANT, value=PAPER)
