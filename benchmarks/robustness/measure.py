"""The measurements of the robustness benchmark; each can run in a process of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import mannwhitneyu

from benchmarks.robustness.conditions import condition
from benchmarks.robustness.junk import KINDS, junk
from benchmarks.robustness.readers import NO_DIGIT, Answers, Source, open_readers
from benchmarks.robustness.results import ConditionResult, Expected, JunkResult, RealResult
from benchmarks.robustness.sources import OTHER_DIGITS
from models.mnist import DataError, Digits


@dataclass(frozen=True, eq=False)
class Work:
    """Input of every measurement; it is sent to other processes."""

    source: Source
    digits: Digits
    seed: int


def measure_condition(work: Work, name: str, severity: int) -> ConditionResult:
    """Read the digits under a condition at `severity`, from 1."""
    return with_answers(work, name, severity)[0]


def with_answers(
    work: Work, name: str, severity: int
) -> tuple[ConditionResult, Mapping[str, Answers]]:
    """Return what `measure_condition` does, and the answers by model."""
    under = condition(name)
    pictures = under.pictures(work.digits.images, severity, seed=work.seed)
    labels = work.digits.labels.astype(np.int64)
    if under.expected is Expected.BLANK:
        labels[:] = NO_DIGIT
    elif under.digit is not None:
        labels[:] = under.digit
    readers = open_readers(work.source)
    found, resized = readers.read(pictures), readers.read_resized(pictures)
    result = ConditionResult(
        condition=name,
        severity=severity,
        expected=under.expected,
        level=under.levels[severity - 1],
        blank=int((next(iter(found.values())).digits == NO_DIGIT).sum()),
        normalised={model: answers.score(labels) for model, answers in found.items()},
        resized={model: answers.score(labels) for model, answers in resized.items()},
    )
    return result, found


def measure_junk(work: Work, kind: str, digits: Mapping[str, Answers]) -> JunkResult:
    """Compare clean `digits`, by model, with as many pictures of one `kind` of junk."""
    count = len(work.digits)
    found = open_readers(work.source).read(junk(kind, count, work.digits, seed=work.seed))
    return JunkResult(
        kind=kind,
        group=KINDS[kind].group,
        pictures=count,
        auroc={
            name: auroc(digits[name].confidences, answers.confidences)
            for name, answers in found.items()
        },
        decisions={name: answers.decisions() for name, answers in found.items()},
    )


def measure_real(work: Work, data_dir: Path) -> tuple[RealResult, ...]:
    """Read the digits of other data sets, as far as they are on this machine."""
    results = []
    for name, load in OTHER_DIGITS.items():
        try:
            found = load(data_dir)
        except DataError as error:
            results.append(RealResult(name=name, missing=str(error)))
            continue
        answers = open_readers(work.source).read(found.pictures)
        scores = {model: answers[model].score(found.labels) for model in answers}
        results.append(RealResult(name=name, scores=scores))
    return tuple(results)


def auroc(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> float:
    """Return how often one of `positive` is above one of `negative`; a tie counts as half."""
    above = mannwhitneyu(positive, negative, method="asymptotic").statistic
    return float(above / (len(positive) * len(negative)))
