"""The serving report, as Markdown."""

from collections.abc import Iterator

from benchmarks.serving.annex import absences, setups
from benchmarks.serving.contenders import BATCH, Kind
from benchmarks.serving.headline import headline, of_pictures, reference
from benchmarks.serving.questions import IMAGES
from benchmarks.serving.results import Cell, Results, ServerInfo
from benchmarks.serving.slot import BATCHES, SINGLES
from benchmarks.serving.summary import fastest, select
from benchmarks.tables import header, row

_MOST = SINGLES[-1]

_METHOD = """\
# Speed

Numeral beside other ways to serve the same models, and beside two ceilings; made by

    {command}

on {machine}, at commit {commit}, with {tools}.

![Images per second]({plot})

- Each server runs alone on {server_cores}; wrk asks from {load_cores}, in a closed loop: a
  connection sends its next request when the last is answered. A server any thread of which could
  run on another processor would not be counted.
- {images} test images of MNIST in turn, as PNGs of 28x28 pixels or in the form that a server takes,
  all made beforehand. Before a server is timed, its answers are compared with the model's.
- A round gives every server its turn: it is started, warmed up for a second in each way of asking,
  measured for {seconds} s (longer where it is so slow that not every connection would be answered
  three times), and stopped. Rounds: {rounds}. Figures are medians of the rounds.
- Every server loads the same ONNX file, Keras the file that it was exported from. Access logs are
  off. Numeral finds the ink, brings it to MNIST's form and judges each answer (`preprocess=auto`,
  the default); the others take the picture as it is.
- *x* is the ratio to the tutorial's server. *Memory* is what all processes of a server hold at the
  end of its turn, shared pages counted once (PSS). *Failed* counts statuses of 400 and more, and
  connections cut or late.
- [serving.json](serving.json) has every figure by round, and resident memory (RSS).
"""


def markdown(results: Results, plot: str) -> str:
    """The page, with a table for each comparison; `plot` is the picture's path."""
    conditions = results.conditions
    method = _METHOD.format(
        command=conditions.command,
        machine=conditions.machine,
        commit=conditions.commit,
        tools=conditions.tools,
        plot=plot,
        server_cores=_processors(conditions.server_cores),
        load_cores=_processors(conditions.load_cores),
        images=IMAGES,
        seconds=conditions.seconds,
        rounds=", ".join(f"{count} with `{model}`" for model, count in conditions.rounds.items()),
    )
    return method + "\n" + "\n".join(_lines(results)) + "\n"


def _lines(results: Results) -> Iterator[str]:
    for model in results.conditions.rounds:
        yield f"## {model}\n"
        yield from headline(results, model)
        yield ""
        yield f"### Single images, `{model}`\n"
        yield from _singles(results, model)
        yield f"\n### {BATCH} images in a request, `{model}`\n"
        yield f"{BATCHES} requests at a time.\n"
        yield from _batches(results, model)
        yield ""
    yield from _workers(results)
    yield from setups(results)
    yield from absences(results)


def _singles(results: Results, model: str) -> Iterator[str]:
    columns = [f"{level} at a time" for level in SINGLES]
    yield from header("server", "sent as", *columns, "x", "p50 ms", "p99 ms", "failed", "memory")
    tutorial = reference(select(results, model, images=1, concurrency=_MOST))
    for server in results.servers:
        found = select(results, model, images=1, server=server.name)
        for way in dict.fromkeys(cell.scenario.way for cell in found):
            levels = {cell.scenario.concurrency: cell for cell in found if cell.scenario.way == way}
            last = levels[_MOST]
            yield row(
                _title(server),
                way,
                *(f"{levels[level].rate:,.0f}" if level in levels else "" for level in SINGLES),
                _ratio(last, tutorial),
                f"{last.p50:.1f}",
                f"{last.p99:.1f}",
                str(sum(cell.failures for cell in levels.values())),
                _memory(results, model, server.name),
            )
    yield f"\nRequests per second; ratio and latency with {_MOST} at a time."


def _batches(results: Results, model: str) -> Iterator[str]:
    yield from header("server", "sent as", "images/s", "x", "p50 ms", "p99 ms", "failed")
    tutorial = reference(select(results, model, images=BATCH))
    for server in results.servers:
        for cell in select(results, model, images=BATCH, server=server.name):
            yield row(
                _title(server),
                cell.scenario.way,
                f"{cell.rate:,.0f}",
                _ratio(cell, tutorial),
                f"{cell.p50:.1f}",
                f"{cell.p99:.1f}",
                str(cell.failures),
            )


def _workers(results: Results) -> Iterator[str]:
    model = next(iter(results.conditions.rounds))
    counts = sorted({cell.workers for cell in results.cells if cell.workers})
    if not counts:
        return
    yield f"## Workers, `{model}`\n"
    yield "`numeral serve --workers N` on N processors.\n"
    yield from header("workers", f"single, {_MOST} at a time", "p99 ms", f"in batches of {BATCH}")
    for count in counts:
        single = fastest(
            select(results, model, images=1, concurrency=_MOST, server="numeral", workers=count)
        )
        batch = fastest(of_pictures(results, model, workers=count))
        yield row(
            str(count),
            f"{single.rate:,.0f}/s" if single else "-",
            f"{single.p99:.1f}" if single else "-",
            f"{batch.rate:,.0f} images/s" if batch else "-",
        )
    everyone = len(results.conditions.server_cores) + len(results.conditions.load_cores)
    if counts[-1] >= everyone:
        yield "\nWhere the workers take every processor, wrk shares them."
    yield ""


def _ratio(cell: Cell, tutorial: Cell | None) -> str:
    return f"{cell.rate / tutorial.rate:.2f}" if tutorial and tutorial.rate else "-"


def _memory(results: Results, model: str, server: str) -> str:
    for held in results.memory:
        if (held.model, held.server, held.workers) == (model, server, 0):
            return f"{held.memory.pss_mib:,.0f} MiB"
    return ""


def _title(server: ServerInfo) -> str:
    if server.kind == Kind.PEER:
        return server.title
    return f"**{server.title}**" if server.kind == Kind.NUMERAL else f"*{server.title}*"


def _processors(cores: tuple[int, ...]) -> str:
    return f"processor{'s' if len(cores) > 1 else ''} {', '.join(map(str, cores))}"
