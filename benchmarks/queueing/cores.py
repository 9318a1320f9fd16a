"""How many workers a load takes, so that answers come in time."""

from math import ceil

from benchmarks.queueing.arrivals import Bursts, arrivals
from benchmarks.queueing.simulation import Cost, Policy, simulate

# So many are simulated at least, or the one in a hundred that counts would be chance; and so many
# bursts.
_REQUESTS, _BURSTS = 20_000, 3

# Workers with less to do than this are as good as idle: more of them change nothing.
_IDLE = 0.01


def workers_for(load: Bursts, cost: Cost, policy: Policy, *, bound: float, seed: int) -> int | None:
    """The fewest workers with which 99 of 100 answers take less than `bound` seconds, none refused.

    Connections are dealt out at random, so that one worker stands for all: it sees its share.
    None where no number is enough.
    """

    def is_enough(workers: int) -> bool:
        share = load.shared(workers)
        cycles = max(_BURSTS, ceil(_REQUESTS / (share.mean * share.every)))
        found = simulate(arrivals(share, cycles * share.every, seed), cost, policy, seed)
        return found.refused_share == 0 and found.quantile(0.99) < bound

    enough = max(1, ceil(load.mean * cost.request))
    short = enough - 1
    while not is_enough(enough):
        if load.mean * cost.request < _IDLE * enough:
            return None
        short, enough = enough, 2 * enough
    while enough - short > 1:
        middle = (short + enough) // 2
        short, enough = (short, middle) if is_enough(middle) else (middle, enough)
    return enough
