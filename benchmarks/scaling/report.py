"""The figures as the section of docs/scaling.md that stands between two marks."""

from collections.abc import Iterator

from benchmarks.scaling.results import Killed, Results, Speed
from benchmarks.tables import header, row

BEGIN, END = "<!-- results -->", "<!-- /results -->"


def put(page: str, results: Results) -> str:
    """`page` with the section written anew."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n" + "\n".join(_section(results)) + f"\n{END}{after}"


def _section(results: Results) -> Iterator[str]:
    yield (
        f"{results.pictures:,} PNG files of {results.side} x {results.side} pixels, drawn, in"
        f" ZIP archives, read by `{results.model}` on {results.machine}, with"
        f" Numeral {results.version} and Ray {results.ray}. Made by"
    )
    yield f"\n    {results.command}\n"
    yield (
        "Seconds are those of the whole command, start and end included; beside them what the same"
        " command takes for a single picture. Efficiency is the speed of each worker in parts of"
        " that of a single one of the same engine. Memory is that of all processes at its highest,"
        " shared pages counted once, and what of it the processes that read have: an ONNX session"
        " each. All figures are in [scaling.json](scaling.json).\n"
    )
    yield from header(
        *("engine", "workers", "seconds", "one picture", "images/s", "efficiency"),
        *("memory", "of these the workers"),
    )
    for speed in results.speeds:
        yield row(
            f"`{speed.engine}`",
            f"{speed.workers}",
            f"{speed.seconds:.1f}",
            f"{speed.start_seconds:.1f}",
            f"{speed.pictures_per_second:,.0f}",
            f"{_efficiency(speed, results.speeds):.0%}",
            f"{speed.memory_mb:,.0f} MB",
            f"{speed.workers_mb:,.0f} MB" if speed.workers_mb else "all",
        )
    yield from _killed(results.killed, results.pictures)


def _killed(found: Killed, pictures: int) -> Iterator[str]:
    yield "\n### A node killed\n"
    same = "are" if found.as_local else "are NOT"
    yield (
        f"Two nodes on the same machine, of which one was killed once {found.done_before:,} of"
        f" {pictures:,} pictures had their rows; {found.workers_before} processes read before and"
        f" {found.workers_after} after. The run came to its end in {found.seconds:.1f} s. All"
        f" rows, in their order, {same} those of the local engine.\n"
    )
    yield from header("pictures in the result", "")
    yield row("once", f"{found.once:,}")
    yield row("missing", f"{found.missing:,}")
    yield row("more than once", f"{found.repeated:,}")


def _efficiency(speed: Speed, speeds: tuple[Speed, ...]) -> float:
    alone = next(
        each for each in speeds if each.engine == speed.engine and each.workers == 1
    ).pictures_per_second
    return speed.pictures_per_second / (speed.workers * alone)
