"""Two readers of strips: the published one, and pieces of ink read by a digit model."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import cv2
import numpy as np

from benchmarks.robustness.conditions import png
from benchmarks.robustness.readers import NO_DIGIT, Readers
from export.reader.read import hypotheses, run_session
from export.speed import on_one_thread
from models.fields.confidence import confidences
from models.fields.constraints import Constraints
from models.fields.decode import Hypothesis
from models.manifest import load_manifest, read_model_file
from models.reader_card import ReaderCard
from models.strips import PAPER, Grey, standardise

_INK = PAPER - 56  # a third of the range from paper to the darkest ink
_SPECK = 12  # pixels of ink; a smaller piece is no digit
_MIN_HEIGHT = 10  # rows; a lower piece is a separator
_MARGIN = 4  # pixels around a piece


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


def read_pieces(readers: Readers, model: str, strips: Sequence[Grey]) -> list[Read]:
    """Read each piece of ink as a digit with the digit `model`: the baseline."""
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
    """Cut the pieces of ink that may be digits out of a strip, dark on light, left to right.

    Pieces above one another are one.
    """
    count, labels, stats, _ = cv2.connectedComponentsWithStats(
        (strip < _INK).astype(np.uint8), connectivity=8
    )
    large = [n for n in range(1, count) if stats[n, cv2.CC_STAT_AREA] >= _SPECK]
    groups: list[tuple[int, int, list[int]]] = []
    for n in sorted(large, key=lambda n: stats[n, cv2.CC_STAT_LEFT]):
        left = int(stats[n, cv2.CC_STAT_LEFT])
        right = left + int(stats[n, cv2.CC_STAT_WIDTH])
        if (
            groups
            and left < (groups[-1][0] + groups[-1][1]) // 2 + _MARGIN
            and left < groups[-1][1]
        ):
            first, last, components = groups[-1]
            groups[-1] = first, max(last, right), [*components, n]
        else:
            groups.append((left, right, [n]))
    cut = (_cut(strip, np.isin(labels, components)) for _, _, components in groups)
    return [piece for piece in cut if piece.shape[0] - 2 * _MARGIN >= _MIN_HEIGHT]


def _cut(strip: Grey, mask: np.ndarray) -> Grey:
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    piece = np.where(mask, strip, PAPER)[y : y + height, x : x + width].astype(np.uint8)
    return cv2.copyMakeBorder(piece, *(_MARGIN,) * 4, cv2.BORDER_CONSTANT, value=PAPER)
