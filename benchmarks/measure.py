"""The measurements of the robustness benchmark, each small enough for one process of several."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchmarks.conditions import CLEAN, Condition, condition
from benchmarks.junk import KINDS, junk
from benchmarks.reading import NO_DIGIT, Answers, Readers, Source, open_readers
from benchmarks.real import Labelled, NotThere, cheque_digits, scikit_learn_digits
from benchmarks.results import ConditionResult, JunkResult, RealResult
from models.mnist import Digits

Certainties = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Work:
    """What every measurement needs; travels to another process."""

    source: Source
    digits: Digits
    seed: int

    def readers(self) -> Readers:
        """The models, as far as this process has them already."""
        return open_readers(self.source)


@dataclass(frozen=True, eq=False)
class Read:
    """The digits read under one condition: the result, and the answers by model behind it."""

    result: ConditionResult
    answers: Mapping[str, Answers]


def use_one_thread() -> None:
    """Leave the other cores to the other processes."""
    cv2.setNumThreads(1)


def measure_condition(work: Work, name: str, severity: int) -> ConditionResult:
    """Read the digits under the condition `name` at `severity`, from 1."""
    return _measured(work, condition(name), severity).result


def measure_clean(work: Work) -> Read:
    """Read the digits as they are."""
    return _measured(work, CLEAN, severity=1)


def measure_junk(work: Work, kind: str, digits: Mapping[str, Answers]) -> JunkResult:
    """Tell clean `digits`, by model, from as many pictures of one `kind` of junk."""
    count = len(work.digits)
    found = work.readers().read(junk(kind, count, work.digits, seed=work.seed))
    return JunkResult(
        kind=kind,
        group=KINDS[kind].group,
        pictures=count,
        auroc={name: _aurocs(digits[name], answers) for name, answers in found.items()},
        decisions={name: answers.decisions() for name, answers in found.items()},
    )


def measure_real(work: Work, data_dir: Path) -> tuple[RealResult, ...]:
    """Read the digits of other data sets, those that are there."""
    return (
        _real(work, "scikit-learn digits", scikit_learn_digits),
        _real(work, "ORAND-CAR-A digits", lambda: cheque_digits(data_dir)),
    )


def auroc(positive: Certainties, negative: Certainties) -> float:
    """How often one of `positive` is above one of `negative`; a tie counts as half."""
    ranks = rankdata(np.concatenate((positive, negative)))
    above = ranks[: len(positive)].sum() - len(positive) * (len(positive) + 1) / 2
    return float(above / (len(positive) * len(negative)))


def _measured(work: Work, under: Condition, severity: int) -> Read:
    readers = work.readers()
    pictures = under.pictures(work.digits.images, severity, seed=work.seed)
    labels = work.digits.labels
    found = readers.read(pictures)
    result = ConditionResult(
        condition=under.name,
        severity=severity,
        level=under.levels[severity - 1],
        blank=int((next(iter(found.values())).digits == NO_DIGIT).sum()),
        normalised={name: answers.score(labels) for name, answers in found.items()},
        resized={
            name: answers.score(labels) for name, answers in readers.read_naively(pictures).items()
        },
    )
    return Read(result, found)


def _aurocs(digits: Answers, found: Answers) -> dict[str, float]:
    others = found.certainties()
    return {name: auroc(those, others[name]) for name, those in digits.certainties().items()}


def _real(work: Work, name: str, load: Callable[[], Labelled]) -> RealResult:
    try:
        found = load()
    except NotThere as error:
        return RealResult(name=name, missing=str(error))
    answers = work.readers().read(found.pictures)
    return RealResult(
        name=name, scores={model: answers[model].score(found.labels) for model in answers}
    )
