"""When requests come: at random, more in bursts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.float64]  # [N], seconds from the start, in order


@dataclass(frozen=True)
class Bursts:
    """Poisson arrivals whose rate goes up again and again.

    Attributes:
        base: requests per second between bursts.
        burst: requests per second in a burst.
        every: seconds from the start of a burst to that of the next; the first quiet time is whole.
        lasts: seconds that a burst lasts.
    """

    base: float
    burst: float
    every: float
    lasts: float

    @classmethod
    def steady(cls, rate: float) -> "Bursts":
        """No bursts at all."""
        return cls(rate, rate, every=1.0, lasts=0.0)

    @property
    def mean(self) -> float:
        """Requests per second in the long run."""
        return self.base + (self.burst - self.base) * self.lasts / self.every

    def shared(self, workers: int) -> "Bursts":
        """What one of `workers` sees of it, where each request goes to any of them.

        A Poisson process of which each event is dealt out at random is as many such processes.
        """
        return Bursts(self.base / workers, self.burst / workers, self.every, self.lasts)


def arrivals(load: Bursts, seconds: float, seed: int) -> Times:
    """The moments of so many seconds of `load`; a seed gives the same ones."""
    random = np.random.default_rng(seed)
    most = max(load.base, load.burst)
    moments = np.sort(random.uniform(0, seconds, random.poisson(most * seconds)))
    in_burst = moments % load.every >= load.every - load.lasts
    rates = np.where(in_burst, load.burst, load.base)
    return moments[random.uniform(0, most, len(moments)) < rates]
