"""The tables of docs/sizing.md."""

from collections.abc import Iterator
from dataclasses import astuple

from benchmarks.exchanged import Exchange
from benchmarks.sizing.plans import CORES_OF_A_MACHINE, plan
from benchmarks.sizing.recorded import FIELD, SCALED, SINGLE, Recorded
from benchmarks.tables import header, row

CHEQUES, NIGHT_SECONDS = 1_000_000, 8 * 3600
REQUESTS = 50_000.0

# Where each is sent, and a picture of it in docs/.
KINDS = {SINGLE: ("/predict", "digit.png"), FIELD: ("/fields", "amount.png")}


def rates(found: Recorded) -> Iterator[str]:
    """Images per second of one core."""
    yield from header("what is sent", *(f"`{model}`" for model in found.models))
    for kind, by_model in found.rates.items():
        yield row(kind, *(f"{by_model[model]:,.0f}" for model in found.models))
    yield from (
        "",
        f"Fields, by the model `reader`: {found.fields:,.0f} in a second, in a loop without HTTP."
        f" All of it on {found.machine}.",
    )


def steps(found: Recorded) -> Iterator[str]:
    """Where the time of a single image goes; the largest step is bold."""
    yield from header("model", "HTTP", "decoding", "ONNX Runtime", "the rest", "all")
    for model, each in found.steps.items():
        parts = astuple(each)
        cells = (f"{part:.0f} µs" for part in parts)
        marked = (
            f"**{cell}**" if part == max(parts) else cell
            for cell, part in zip(cells, parts, strict=True)
        )
        yield row(f"`{model}`", *marked, f"{sum(parts):.0f} µs")
    yield from (
        "",
        f"A digit on grainy paper takes about {1e6 * found.ink:,.0f} µs more, whatever the model:"
        " its ink has to be found.",
    )


def cheques(found: Recorded, field: Exchange) -> Iterator[str]:
    """A million amounts a night."""
    needed = plan(CHEQUES / NIGHT_SECONDS, found.fields, field)
    night = NIGHT_SECONDS * needed.disk_bytes
    yield from header("step", "asked of it", "takes")
    yield row(
        "**reading** (`reader`, in ONNX Runtime)",
        f"{needed.rate:.1f} fields/s",
        f"{needed.busy:.2f} of a core",
    )
    yield row("HTTP", f"{needed.rate:.1f} requests/s", "next to nothing")
    yield row("memory", f"{needed.cores} worker", f"{needed.memory_gib:.2f} GiB")
    yield row(
        "network",
        f"{field.request:,} bytes there, {field.answer:,} back",
        f"{needed.network_bits / 1e6:.1f} Mbit/s",
    )
    yield row("disk", f"{field.row:,} bytes a row, as JSON", f"{night / 1e9:.2f} GB a night")
    hours = CHEQUES / found.fields / 3600
    yield from ("", f"One core alone is done after {hours:.1f} hours.")


def requests(found: Recorded, single: Exchange) -> Iterator[str]:
    """50,000 single images a second."""
    plans = {
        model: plan(REQUESTS, rate, single, scaling=found.scaling)
        for model, rate in found.rates[SINGLE].items()
    }
    yield from header("step", *(f"`{model}`" for model in plans))
    for step, text in (
        ("cores at work", "{0.busy:.1f}"),
        ("**cores to have**", "**{0.cores}**"),
        (f"machines of {CORES_OF_A_MACHINE} cores", "{0.machines}"),
        ("memory", "{0.memory_gib:.0f} GiB"),
        ("packets/s, both directions, through the load balancer", "{0.packets:,.0f}"),
        ("network of each machine, of 10 Gbit/s", "{0.network_share:.0%}"),
    ):
        yield row(step, *(text.format(each) for each in plans.values()))
    on_paper = [
        plan(REQUESTS, 1 / (1 / rate + found.ink), single, scaling=found.scaling)
        for rate in found.rates[SINGLE].values()
    ]
    yield row("**cores to have, digits on grainy paper**", *(f"**{p.cores}**" for p in on_paper))
    yield row(
        f"machines of {CORES_OF_A_MACHINE} cores for them", *(f"{p.machines}" for p in on_paper)
    )
    first = next(iter(plans.values()))
    megabytes = first.disk_bytes / 1e6
    yield row(
        "network, all", *(f"{each.network_bits / 1e6:,.0f} Mbit/s" for each in plans.values())
    )
    yield row("results as JSON, if they are kept", *(f"{megabytes:.0f} MB/s" for _ in plans))
    yield from (
        "",
        f"A request is {single.request:,} bytes and its answer {single.answer:,}; two cores do"
        f" {found.scaling:.0%} of twice what one does (`{SCALED}`). Rows for a day come to"
        f" {megabytes * 86400 / 1e6:.1f} TB.",
    )
