"""The few sentences above the tables: Numeral against its peers and the ceilings."""

from collections.abc import Iterator

from benchmarks.serving.contenders import BATCH, Kind
from benchmarks.serving.results import Cell, Results
from benchmarks.serving.slot import SINGLES
from benchmarks.serving.summary import fastest, select

_REFERENCE = "tutorial"
_MOST = SINGLES[-1]


def headline(results: Results, model: str) -> Iterator[str]:
    """What `model`'s tables come to, a list item for each comparison."""
    singles = select(results, model, images=1, concurrency=_MOST)
    numeral = [cell for cell in singles if cell.server == "numeral"]
    if numeral:
        yield from _of_singles(numeral[0], singles, _peers(results))
    batch = fastest(of_pictures(results, model))
    if batch:
        yield from _of_batches(batch, select(results, model, images=BATCH))


def reference(cells: list[Cell]) -> Cell | None:
    """The tutorial's server, in the first way to ask it."""
    return next((cell for cell in cells if cell.server == _REFERENCE), None)


def of_pictures(results: Results, model: str, *, workers: int = 0) -> list[Cell]:
    """Numeral's ways to take a batch of picture files, and not of pixels."""
    found = select(results, model, images=BATCH, server="numeral", workers=workers)
    return [cell for cell in found if cell.scenario.way.startswith("PNG")]


def _of_singles(numeral: Cell, cells: list[Cell], peers: set[str]) -> Iterator[str]:
    yield f"- Single images, {_MOST} at a time: {numeral.rate:,.0f}/s (*{numeral.scenario.way}*)"
    tutorial = reference(cells)
    if tutorial:
        yield f"  - {_times(numeral, tutorial)} the tutorial's"
    others = [cell for cell in cells if cell.server in peers and cell.rate]
    best = fastest(others)
    if best:
        quickest = min(others, key=lambda cell: cell.p99)
        yield f"  - {_times(numeral, best)} the best peer's ({best.server})"
        yield (
            f"  - p99 {numeral.p99:.1f} ms; {best.p99:.1f} ms for {best.server}, and"
            f" {quickest.p99:.1f} ms for {quickest.server}, the least of all peers"
        )
    for bare in (cell for cell in cells if cell.server == "bare"):
        yield f"  - {numeral.rate / bare.rate:.0%} of the bare ASGI app's"


def _of_batches(numeral: Cell, cells: list[Cell]) -> Iterator[str]:
    way = numeral.scenario.way
    yield f"- Batches of {BATCH} picture files: {numeral.rate:,.0f} images/s (*{way}*)"
    for cell in cells:
        if cell.server == _REFERENCE:
            yield f"  - {_times(numeral, cell)} the tutorial's (*{cell.scenario.way}*)"
    for loop in (cell for cell in cells if cell.server == "loop"):
        yield f"  - {numeral.rate / loop.rate:.0%} of decode + ONNX Runtime in a loop"


def _times(one: Cell, other: Cell) -> str:
    return f"{one.rate / other.rate:.1f} times" if other.rate else "more than"


def _peers(results: Results) -> set[str]:
    return {server.name for server in results.servers if server.kind == Kind.PEER}
