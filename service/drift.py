"""Drift: how far the pictures of now are from those that a calibration was made on."""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Literal, Self

from prometheus_client import Gauge
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from pydantic import Field, FiniteFloat, model_validator

from models.records import Record

Feature = Literal["confidence", "height", "contrast", "stroke"]

# The index is about (bins - 1) * (1 / labelled pictures + 1 / recent ones) for equal populations
# (Yurdakul, "Statistical Properties of Population Stability Index", Western Michigan University
# 2018): with these numbers below 0.05 + 0.02, the usual limits being 0.1 and 0.25.
_MOST_BINS = 10
_FEWEST_IN_BIN = 20
_FEWEST_RECENT = 500

_MOST_PICTURES = 10**9  # labelled ones, in a bin

# A worker forgets pictures in steps of so many: it counts the last 2,500 to 5,000.
_STEP = 2_500

LABELS = "model", "calibration", "feature"
_PICTURES = "numeral_drift_pictures"


class Distribution(Record):
    """How a feature of labelled pictures is distributed."""

    edges: tuple[FiniteFloat, ...] = Field(
        min_length=1, max_length=_MOST_BINS - 1, description="Where the next bin begins."
    )
    pictures: tuple[Annotated[int, Field(ge=0, le=_MOST_PICTURES)], ...] = Field(
        description="Pictures in each bin, one more than edges."
    )

    @classmethod
    def of(cls, values: Iterable[float]) -> Self | None:
        """Count `values` in bins of about as many each; None if there are too few for two bins."""
        ordered = sorted(values)
        bins = min(_MOST_BINS, len(ordered) // _FEWEST_IN_BIN)
        edges = sorted({ordered[number * len(ordered) // bins] for number in range(1, bins)})
        return cls(edges=tuple(edges), pictures=tuple(_counted(edges, ordered))) if edges else None

    @model_validator(mode="after")
    def _check(self) -> Self:
        if list(self.edges) != sorted(set(self.edges)):
            raise ValueError("edges must rise")
        if len(self.pictures) != len(self.edges) + 1:
            raise ValueError(f"{len(self.edges)} edges make {len(self.edges) + 1} bins")
        if sum(self.pictures) < 2 * _FEWEST_IN_BIN:
            raise ValueError(f"{sum(self.pictures)} pictures are too few to compare with")
        return self

    def stability_index(self, recent: Sequence[float]) -> float:
        """Return the population stability index of `recent` pictures by bin; NaN for too few.

        Siddiqi, "Credit Risk Scorecards", Wiley 2006: below 0.1 nothing has changed, above 0.25
        the population is another one. Half a picture more in each bin keeps empty ones finite.
        """
        if sum(recent) < _FEWEST_RECENT:
            return math.nan
        pairs = zip(_shares(self.pictures), _shares(recent), strict=True)
        return sum((now - then) * math.log(now / then) for then, now in pairs)


class _Window:
    """The last pictures that a worker has read, by bin."""

    def __init__(self, expected: Distribution, gauge: Gauge, labels: Sequence[str]) -> None:
        self.expected = expected
        self.pending: list[float] = []
        self._gauges = [gauge.labels(*labels, number) for number in range(len(expected.pictures))]
        self.clear()

    def clear(self) -> None:
        self._before = self._counts = [0] * len(self._gauges)
        self._show()

    def flush(self) -> None:
        # Threads only append: nothing is lost in between.
        values = self.pending[:]
        del self.pending[: len(values)]
        if values:
            added = _counted(self.expected.edges, values)
            self._counts = [sum(both) for both in zip(self._counts, added, strict=True)]
            self._show()
        if sum(self._counts) >= _STEP:
            self._before, self._counts = self._counts, [0] * len(self._gauges)

    def _show(self) -> None:
        for gauge, *both in zip(self._gauges, self._before, self._counts, strict=True):
            gauge.set(sum(both))


class Drift:
    """Counts recent pictures by calibration, feature and bin in `gauge`, and compares them.

    drift = Drift(gauge)
    drift.watch({("resnet", "bank-a"): calibration.distributions})
    drift.read("resnet", "bank-a", {"confidence": 0.98, "stroke": None})
    """

    def __init__(self, gauge: Gauge) -> None:
        self._gauge = gauge
        self._windows: dict[tuple[str, ...], _Window] = {}

    def watch(self, expected: Mapping[tuple[str, str], Mapping[Feature, Distribution]]) -> None:
        """Compare with `expected`, by model and calibration, from now on."""
        wanted: dict[tuple[str, ...], Distribution] = {
            (*names, feature): distribution
            for names, distributions in expected.items()
            for feature, distribution in distributions.items()
        }
        kept = {k: each for k, each in self._windows.items() if wanted.get(k) == each.expected}
        for labels in self._windows.keys() - kept.keys():
            self._windows[labels].clear()
        self._windows = {
            labels: kept.get(labels) or _Window(each, self._gauge, labels)
            for labels, each in wanted.items()
        }

    def watches(self, labels: Mapping[str, str]) -> bool:
        """Return whether a gauge is of a calibration in use; that of another stays in the files."""
        return tuple(labels[name] for name in LABELS) in self._windows

    def read(self, model: str, calibration: str, features: Mapping[Feature, float | None]) -> None:
        """Count a picture, with its flush in 4 us; from any thread."""
        for feature, value in features.items():
            window = self._windows.get((model, calibration, feature))
            if window and value is not None:
                window.pending.append(value)

    def flush(self) -> None:
        """Show what was read."""
        for window in list(self._windows.values()):
            window.flush()

    def index(self, recent: Mapping[tuple[str, ...], float]) -> Metric:
        """Return the indices of `recent` pictures by model, calibration, feature and bin."""
        metric = GaugeMetricFamily(
            "numeral_drift_psi",
            "Population stability index of recent pictures beside those of a calibration.",
            labels=LABELS,
        )
        for labels, window in self._windows.items():
            bins = range(len(window.expected.pictures))
            counts = [recent.get((*labels, str(number)), 0.0) for number in bins]
            metric.add_metric(labels, window.expected.stability_index(counts))
        return metric


class Compared:
    """Collects the metrics of `source`, which may be of several workers, and the indices."""

    def __init__(self, source: Collector, drift: Drift) -> None:
        self._source = source
        self._drift = drift

    def collect(self) -> Iterator[Metric]:
        """Yield them."""
        recent: dict[tuple[str, ...], float] = {}
        for metric in self._source.collect():
            if metric.name == _PICTURES:
                metric.samples = [
                    each for each in metric.samples if self._drift.watches(each.labels)
                ]
                for sample in metric.samples:
                    recent[*(sample.labels[name] for name in (*LABELS, "bin")),] = sample.value
            yield metric
        yield self._drift.index(recent)


def _counted(edges: Sequence[float], values: Iterable[float]) -> list[int]:
    found = Counter(bisect_right(edges, value) for value in values)
    return [found[number] for number in range(len(edges) + 1)]


def _shares(pictures: Sequence[float]) -> list[float]:
    total = sum(pictures) + 0.5 * len(pictures)
    return [(each + 0.5) / total for each in pictures]
