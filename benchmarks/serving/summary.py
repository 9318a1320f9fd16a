"""From slots to figures: medians over the rounds, ratios, and what is missing."""

from collections.abc import Iterable, Sequence
from itertools import groupby
from statistics import median

from benchmarks.serving.results import Absence, Cell, Memory, Results, ServerMemory, Slot


def cells(slots: Iterable[Slot]) -> tuple[Cell, ...]:
    """Every scenario of every server, its rounds together."""
    found: dict[tuple, list] = {}
    for slot in slots:
        for measured in slot.measurements:
            key = (slot.model, slot.server, slot.workers, measured.scenario)
            found.setdefault(key, []).append(measured)
    return tuple(
        Cell(
            model=model,
            server=server,
            workers=workers,
            scenario=scenario,
            rates=tuple(one.rate for one in rounds),
            p50_ms=tuple(one.p50_ms for one in rounds),
            p99_ms=tuple(one.p99_ms for one in rounds),
            failures=sum(one.bad_answers + one.socket_errors for one in rounds),
        )
        for (model, server, workers, scenario), rounds in found.items()
    )


def memories(slots: Iterable[Slot]) -> tuple[ServerMemory, ...]:
    """What each server held, the medians of its rounds."""
    found = []
    with_memory = [slot for slot in slots if slot.memory]
    for (model, server, workers), rounds in _by_server(with_memory):
        held = [slot.memory for slot in rounds]
        memory = Memory(
            processes=round(median(one.processes for one in held)),
            rss_mib=median(one.rss_mib for one in held),
            pss_mib=median(one.pss_mib for one in held),
        )
        found.append(ServerMemory(model=model, server=server, workers=workers, memory=memory))
    return tuple(found)


def absences(slots: Iterable[Slot]) -> tuple[Absence, ...]:
    """What was not measured, each once, with the first reason."""
    found: dict[tuple, str] = {}
    for slot in slots:
        reasons = {None: slot.missing} if slot.missing else slot.refused
        for way, reason in reasons.items():
            found.setdefault((slot.model, slot.server, slot.workers, way), reason)
    return tuple(
        Absence(model=model, server=server, workers=workers, way=way, reason=reason)
        for (model, server, workers, way), reason in found.items()
    )


def fastest(found: Sequence[Cell]) -> Cell | None:
    """The cell with the highest rate; None of none."""
    return max(found, key=lambda cell: cell.rate, default=None)


def select(
    results: Results,
    model: str,
    *,
    images: int,
    concurrency: int | None = None,
    server: str | None = None,
    workers: int = 0,
) -> list[Cell]:
    """The cells of one model with requests of so many images, in the order of measuring."""
    return [
        cell
        for cell in results.cells
        if (cell.model, cell.workers, cell.scenario.images) == (model, workers, images)
        and concurrency in (None, cell.scenario.concurrency)
        and server in (None, cell.server)
    ]


def _by_server(slots: list[Slot]):  # noqa: ANN202 groupby's own type says less than the name
    def key(slot: Slot) -> tuple[str, str, int]:
        return slot.model, slot.server, slot.workers

    return groupby(sorted(slots, key=key), key)
