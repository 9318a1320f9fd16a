"""The soak's page, as Markdown."""

from collections.abc import Iterable, Iterator

from benchmarks.soak.results import (
    Endurance,
    Killed,
    Latency,
    Load,
    Results,
    Stopped,
    Troublemakers,
)
from benchmarks.soak.results import Overload as Found
from benchmarks.tables import header, row
from service.settings import Settings

_HEAD = """\
# Under fire

What the service does with more work than it can do, when a worker is killed, when it is stopped in
mid work, beside callers that are slow, cut off or deaf, and over time. Made by

    {command}

on {machine}, with Numeral {version} and the model `{model}`. The service has processors {server},
the callers {load}. Settings are the defaults, but for the log level, `warning`, and the timeouts of
bodies and answers where callers are slow. Every answer's digit is compared with what the service
says of the same image in quiet. All figures are in [soak.json](soak.json).

![Goodput against offered load, and memory over time](soak.png)
"""

_OVERLOAD = """\
## Overload

The best of a closed loop is **{peak:,.0f} requests/s** ({concurrency} at a time, single PNGs). Then
an open loop sends at a fixed rate, whether or not what was sent before is answered, over up to
{connections:,} connections. At {share:g} times the peak, for {seconds:.0f} s, **{kept:.0%} of the
peak** are answered with 200, {least:,.0f}/s in the worst second. What the queue has no room for is
refused with 503 and `Retry-After`. Times are from when a request was due until its answer came;
those of accepted ones are the time in a full queue (`NUMERAL_QUEUE_SIZE`, {queue:,} images for each
worker).
"""


def markdown(results: Results) -> str:
    """The page."""
    head = _HEAD.format(
        command=results.command,
        machine=results.machine,
        version=results.version,
        model=results.model,
        server=_listed(results.server_cores),
        load=_listed(results.load_cores),
    )
    return head + "\n" + "\n".join(_lines(results)) + "\n"


def _lines(results: Results) -> Iterator[str]:
    yield from _overload(results.overload)
    yield from _killed(results.killed)
    yield from _stopped(results.stopped)
    yield from _troubled(results.troublemakers)
    yield from _endurance(results.endurance)


def _overload(found: Found) -> Iterator[str]:
    yield _OVERLOAD.format(
        peak=found.peak,
        concurrency=found.peak_concurrency,
        connections=found.connections,
        share=found.long.share_of_peak,
        seconds=found.long.seconds,
        kept=found.kept,
        queue=Settings.model_fields["queue_size"].default,
        least=found.long.least_goodput,
    )
    yield from header(
        *("offered", "of the peak", "seconds", "200/s", "of the peak", "accepted p50 / p99"),
        *("refused", "refused p50 / p99", "longest", "lost", "unanswered", "wrong", "other"),
    )
    for load in (*found.loads, found.long):
        yield row(
            f"{load.offered:,.0f}/s",
            f"{load.share_of_peak:.2f}",
            f"{load.seconds:.0f}",
            f"{load.goodput:,.0f}",
            f"{load.goodput / found.peak:.0%}",
            _times(load.accepted),
            f"{load.refused.count:,}",
            _times(load.refused),
            _longest(load),
            *map(str, (load.lost, load.unanswered, load.wrong, load.other_answers)),
        )
    silent = sum(load.refused_without_retry_after for load in (*found.loads, found.long))
    unsent = sum(load.not_sent for load in (*found.loads, found.long))
    yield f"\nRefused without `Retry-After`: {silent}. Not sent, no connection free: {unsent:,}."


def _killed(found: Killed) -> Iterator[str]:
    yield "\n## A worker killed\n"
    yield (
        f"SIGKILL to one of {found.workers} workers, {found.kills} times, each when the one before"
        f" was replaced; {found.concurrency} callers, each with one request under way. A request is"
        " lost when its connection ends before the answer.\n"
    )
    yield from header("", "")
    yield row("answers", f"{found.answers:,}")
    yield row("wrong", str(found.wrong))
    yield row("other statuses", str(found.other_answers))
    yield row("lost, all", str(found.lost))
    yield row("lost with one worker, at most", str(found.most_at_once))
    yield row("requests/s before", f"{found.before:,.0f}")
    yield row("in the second after", f"{found.between:,.0f}")
    yield row("back at nine tenths after, at most", f"{found.recovery_seconds:.1f} s")


def _stopped(found: Iterable[Stopped]) -> Iterator[str]:
    yield "\n## Stopped under load\n"
    yield "SIGTERM while 32 callers ask; they go on until they are refused a connection.\n"
    yield from header(
        *("workers", "keep-alive", "answers", "wrong", "other statuses", "lost", "exit status"),
        "time to the end",
    )
    for each in found:
        yield row(
            str(each.workers),
            "on" if each.keep_alive else "off",
            f"{each.answers:,}",
            *map(str, (each.wrong, each.other_answers, each.lost, each.exit_status)),
            f"{each.seconds:.1f} s",
        )


def _troubled(found: Iterable[Troublemakers]) -> Iterator[str]:
    yield "\n## Slow and cut connections\n"
    yield (
        "32 normal callers, alone and beside 200 connections of one kind, each of which begins anew"
        " after a second where it was ended. Left open is what the service still holds ten seconds"
        " after they have gone.\n"
    )
    yield from header(
        *("beside callers that", "alone", "beside", "ratio", "p99 alone", "p99 beside"),
        *("lost", "wrong", "ended by the service", "left open"),
    )
    for each in found:
        yield row(
            each.kind,
            f"{each.calm:,.0f}/s",
            f"{each.beside:,.0f}/s",
            f"{each.beside / each.calm:.2f}",
            f"{each.p99_calm_ms:.0f} ms",
            f"{each.p99_beside_ms:.0f} ms",
            *map(str, (each.lost, each.wrong, each.cut_off, each.left_open)),
        )


def _endurance(found: Endurance) -> Iterator[str]:
    seconds = found.memory[-1].seconds - found.warm_up_seconds
    yield "\n## Memory over time\n"
    yield (
        f"{sum(found.requests.values()):,} requests of {len(found.requests)} kinds over"
        f" {seconds:.0f} s, after {found.warm_up_seconds:.0f} s of warming up, to {found.workers}"
        " workers; resident memory of all processes added, looked at each second.\n"
    )
    yield from header("", "")
    yield row("before", f"{found.before_mb:.0f} MB")
    yield row("after", f"{found.after_mb:.0f} MB")
    yield row("slope", f"{found.slope_mb_per_hour:+.1f} MB/hour")
    yield row("unexpected answers", str(sum(found.unexpected.values())))
    yield ""
    yield from header("request", "times")
    for kind, count in found.requests.items():
        yield row(kind, f"{count:,}")
    if found.unexpected:
        yield ""
        yield from header("unexpected", "times")
        for what, count in found.unexpected.items():
            yield row(what, str(count))


def _times(found: Latency) -> str:
    if found.p50_ms is None or found.p99_ms is None:
        return "-"
    return f"{found.p50_ms:,.0f} / {found.p99_ms:,.0f} ms"


def _longest(load: Load) -> str:
    longest = [each.max_ms for each in (load.accepted, load.refused) if each.max_ms is not None]
    return f"{max(longest) / 1000:.1f} s" if longest else "-"


def _listed(cores: Iterable[int]) -> str:
    return ", ".join(map(str, cores))
