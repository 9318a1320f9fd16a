"""The command `python -m benchmarks.queueing`: the service's queue measured and simulated.

A service on a core of its own is asked at random moments, steadily and in bursts; the same moments
go through the simulation, which was told what a request costs. Then the simulation says how many
cores larger loads take. Wants Linux.
"""

import shlex
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console

from benchmarks.marked import fill
from benchmarks.queueing import report
from benchmarks.queueing.arrivals import Bursts, arrivals
from benchmarks.queueing.calibrate import Caller, cost_of_a_request
from benchmarks.queueing.cores import workers_for
from benchmarks.queueing.plot import draw
from benchmarks.queueing.results import Compared, Costs, Load, Needed, Results, Spread
from benchmarks.queueing.service import asked_service
from benchmarks.queueing.simulation import Cost, Policy, simulate
from service.sizing.machine import machine
from service.version import version

PAGE, FIGURES, PLOT = "sizing.md", "queueing.json", "queueing.png"
SEED = 1

# Of what one core bears: between bursts and in them, of 1 s every 5 s. Where a core reads a
# thousand a second, the last alone fills the queue, so that some are refused.
_SHARES = ((0.5, 0.5), (0.8, 0.8), (0.4, 1.5), (0.4, 2.5), (0.3, 4.0))
_EVERY, _LASTS = 5.0, 1.0

# The load that docs/sizing.md asks about, and how much more comes for a second in ten.
_ASKED, _TIMES = 50_000.0, (1, 2, 4)
_BOUNDS = (0.02, 0.1, 0.5)

app = typer.Typer(add_completion=False)


@app.command()
def queueing(
    model: Annotated[list[str] | None, typer.Option(help="[default: cnn and resnet]")] = None,
    server_core: Annotated[int, typer.Option(help="Processor of the service.")] = 0,
    calibrate_seconds: Annotated[float, typer.Option(help="For each of seven loads.")] = 8.0,
    seconds: Annotated[float, typer.Option(help="For each load that is compared.")] = 30.0,
    out: Annotated[
        Path, typer.Option(help="Where figures and picture go, and the page is.")
    ] = Path("docs"),
) -> None:
    """Measure and simulate the queue, and write both into the page."""
    say = Console(stderr=True).print
    costs, compared, needed = [], [], []
    for name in model or ("cnn", "resnet"):
        with asked_service(name, server_core) as caller:
            say(f"{name}: what a request costs")
            cost, policy = cost_of_a_request(caller, calibrate_seconds)
            costs.append(_costs(name, cost, policy))
            compared += _compare(name, caller, (cost, policy), seconds, say)
        say(f"{name}: how many cores")
        needed += _needed(name, cost, policy)
    results = Results(
        command=shlex.join(["python", "-m", "benchmarks.queueing", *sys.argv[1:]]),
        machine=machine(),
        version=version(),
        seed=SEED,
        costs=tuple(costs),
        compared=tuple(compared),
        needed=tuple(needed),
    )
    (out / FIGURES).write_text(results.model_dump_json(indent=1) + "\n")
    draw(results, out / PLOT)
    tables = (report.costs, report.compared, report.needed)
    fill(out / PAGE, {table.__name__: table(results) for table in tables})
    print(f"written: {out / FIGURES}, {out / PLOT}, tables in {out / PAGE}")


def _compare(
    model: str,
    caller: Caller,
    told: tuple[Cost, Policy],
    seconds: float,
    say: Callable[[str], None],
) -> Iterator[Compared]:
    cost, policy = told
    peak = 1 / (cost.request + cost.batch / policy.largest)
    for base, burst in _SHARES:
        load = Bursts(base * peak, burst * peak, _EVERY, _LASTS)
        say(f"{model}: {load.base:,.0f} requests/s, in bursts {load.burst:,.0f}")
        times = arrivals(load, seconds, SEED)
        latencies = caller.open(times)
        simulated = simulate(times, cost, policy, SEED)
        yield Compared(
            model=model,
            load=_load(load),
            seconds=seconds,
            measured=_spread(latencies),
            simulated=_spread(simulated.latency),
        )


def _needed(model: str, cost: Cost, policy: Policy) -> Iterator[Needed]:
    for times in _TIMES:
        load = Bursts(_ASKED, times * _ASKED, every=10.0, lasts=1.0)
        for bound in _BOUNDS:
            workers = workers_for(load, cost, policy, bound=bound, seed=SEED)
            yield Needed(model=model, load=_load(load), bound_ms=1000 * bound, workers=workers)


def _spread(latencies: NDArray[np.float64]) -> Spread:
    """`latencies` in seconds, NaN where there was no answer."""
    missing = np.isnan(latencies)
    quantiles = np.quantile(latencies[~missing], np.linspace(0, 1, 101))
    return Spread(quantiles_ms=tuple(1000 * quantiles), refused=float(missing.mean()))


def _load(load: Bursts) -> Load:
    return Load(base=load.base, burst=load.burst, every=load.every, lasts=load.lasts)


def _costs(model: str, cost: Cost, policy: Policy) -> Costs:
    stray = 0.0 if cost.stray is None else float(np.quantile(cost.stray, 0.99))
    return Costs(
        model=model,
        batch_us=1e6 * cost.batch,
        request_us=1e6 * cost.request,
        refusal_us=1e6 * cost.refusal,
        stray_p99_us=1e6 * stray,
        outside_us=1e6 * cost.outside,
        largest=policy.largest,
    )


if __name__ == "__main__":
    app()
