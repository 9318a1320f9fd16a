"""The end of the serving report: how servers are set up, and what is missing."""

from collections.abc import Iterator

from benchmarks.serving.results import Results


def setups(results: Results) -> Iterator[str]:
    """What ran, in which version, set up how."""
    yield "## How each is set up\n"
    for server in results.servers:
        packages = ", ".join(f"{name} {version}" for name, version in server.versions.items())
        yield f"- **{server.title}**: {server.setup} {packages}."
    yield (
        "\nThe peers' programs and exact versions are in `benchmarks/serving/peers`. MLServer and"
        " PyTriton are asked as their protocol has it, with tensors, which need no decoding.\n"
    )


def absences(results: Results) -> Iterator[str]:
    """What was not measured, and why."""
    if results.absences:
        yield "## Not measured\n"
    for absence in results.absences:
        workers = f" with {absence.workers} workers" if absence.workers else ""
        way = f", {absence.way}" if absence.way else ""
        yield f"- {absence.server}{workers}, `{absence.model}`{way}: {absence.reason}."
