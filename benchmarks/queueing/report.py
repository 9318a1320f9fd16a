"""The tables of the queue in docs/sizing.md."""

from collections.abc import Iterator

from benchmarks.queueing.results import Load, Results
from benchmarks.tables import header, row


def costs(results: Results) -> Iterator[str]:
    """What a request costs, as the simulation was told."""
    yield f"By `{results.command}`, on {results.machine}, with Numeral {results.version}.\n"
    yield from header(
        "model", "micro-batch", "each request", "a refusal", "1% take longer by", "to and fro"
    )
    for each in results.costs:
        yield row(
            f"`{each.model}`",
            *(
                f"{microseconds:,.0f} µs"
                for microseconds in (
                    each.batch_us,
                    each.request_us,
                    each.refusal_us,
                    each.stray_p99_us,
                    each.outside_us,
                )
            ),
        )


def compared(results: Results) -> Iterator[str]:
    """Measured beside simulated, and their picture."""
    yield from header(
        "model",
        "requests/s",
        "in bursts",
        "p50 measured",
        "simulated",
        "p99 measured",
        "simulated",
        "refused measured",
        "simulated",
    )
    for each in results.compared:
        measured, simulated = each.measured, each.simulated
        yield row(
            f"`{each.model}`",
            f"{each.load.base:,.0f}",
            _bursts(each.load),
            f"{measured.p50_ms:,.1f} ms",
            f"{simulated.p50_ms:,.1f} ms",
            f"{measured.p99_ms:,.1f} ms",
            f"{simulated.p99_ms:,.1f} ms",
            f"{measured.refused:.1%}",
            f"{simulated.refused:.1%}",
        )
    yield from ("", "![Latencies measured and simulated](queueing.png)")


def needed(results: Results) -> Iterator[str]:
    """Workers for a load, by the bound on waiting."""
    bounds = sorted({each.bound_ms for each in results.needed})
    columns = (f"p99 below {bound:g} ms" for bound in bounds)
    yield from header("model", "requests/s", "in bursts", *columns)
    found = {(each.model, each.load, each.bound_ms): each.workers for each in results.needed}
    for model, load in dict.fromkeys((model, load) for model, load, _ in found):
        cores = (found[model, load, bound] for bound in bounds)
        cells = (f"{count:,} cores" if count else "not with any" for count in cores)
        yield row(f"`{model}`", f"{load.base:,.0f}", _bursts(load), *cells)


def _bursts(load: Load) -> str:
    if load.burst == load.base:
        return "none"
    return f"{load.burst:,.0f}, {load.lasts:g} s in {load.every:g}"
