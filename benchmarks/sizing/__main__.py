"""The command `python -m benchmarks.sizing`: the tables of docs/sizing.md, from recorded figures.

It measures nothing but bytes: of a request, of its answer and of a row of results.
"""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks.exchanged import exchange
from benchmarks.marked import fill
from benchmarks.service import running_service
from benchmarks.sizing import report
from benchmarks.sizing.recorded import FIELD, SINGLE, recorded

PAGE = "sizing.md"

app = typer.Typer(add_completion=False)


@app.command()
def sizing(
    out: Annotated[
        Path, typer.Option(help="Where the page, the figures and two pictures are.")
    ] = Path("docs"),
) -> None:
    """Write the tables into the page."""
    found = recorded(out)
    with running_service(0) as service:
        single, field = (
            exchange(service.url, path, out / picture)
            for path, picture in (report.KINDS[kind] for kind in (SINGLE, FIELD))
        )
    tables = {
        "rates": report.rates(found),
        "steps": report.steps(found),
        "cheques": report.cheques(found, field),
        "requests": report.requests(found, single),
    }
    fill(out / PAGE, tables)
    print(f"written: tables in {out / PAGE}")


if __name__ == "__main__":
    app()
