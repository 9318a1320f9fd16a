"""The command `python -m benchmarks.calls`: the service's code that one request runs through.

It starts `numeral serve` with a profiling hook in every thread, sends one request, and counts the
files, functions and calls of the package `service`. Another checkout is `--directory ../before`.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console
from rich.markdown import Markdown

from benchmarks import pictures
from benchmarks.reports import header, row
from benchmarks.robustness.conditions import png
from benchmarks.serving.servers import free_port, wait_until_ready
from benchmarks.serving.workloads import FORM, form

_MARK = "COUNTS "
_SETTLE_SECONDS = 0.2  # for work after the response
_ROUNDS = 3  # the fewest calls count, as background work adds some

# Counts calls by file and function; a line on the standard input prints the counts and clears them.
_HOOKED = """
import json, runpy, sys, threading
counts = {}
def hook(frame, event, argument):
    code = frame.f_code
    if event == "call" and "/service/" in code.co_filename:
        key = code.co_filename + " " + code.co_qualname
        counts[key] = counts.get(key, 0) + 1
def report():
    for _ in sys.stdin:
        found = dict(counts)
        counts.clear()
        print("COUNTS", json.dumps(found), flush=True)
threading.Thread(target=report, daemon=True).start()
threading.setprofile(hook)
sys.setprofile(hook)
runpy.run_module("service.cli", run_name="__main__", alter_sys=True)
"""

app = typer.Typer(add_completion=False)


@app.command()
def calls(
    directory: Annotated[Path, typer.Option(help="Checkout to measure.")] = Path(),
) -> None:
    """Count the files, functions and calls of one request."""
    port = free_port()
    command = [sys.executable, "-c", _HOOKED, "serve", "--port", str(port), "--workers", "1"]
    server = subprocess.Popen(  # noqa: S603 - our own program
        command, cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    raw = {"Content-Type": "image/png"}
    requests = {
        "POST /predict, MNIST PNG": ("/predict", png(pictures.mnist_images(1)[0]), raw),
        "POST /predict, 100x100 JPEG": ("/predict", form("file", pictures.scans(1)), FORM),
        "POST /fields, PNG": ("/fields", pictures.draw_fields(1, height=48)[0], raw),
    }
    lines = [*header("request", "files", "functions", "calls")]
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until_ready(server, url)
        for name, (path, body, headers) in requests.items():
            counts = [_count(server, url + path, body, headers) for _ in range(_ROUNDS)]
            found = min(counts, key=lambda each: sum(each.values()))
            files = {function.split()[0] for function in found}
            lines.append(row(name, len(files), len(found), sum(found.values())))
    finally:
        server.terminate()
        server.wait()
    Console().print(Markdown("\n".join(lines)))


def _count(
    server: subprocess.Popen[str], url: str, body: bytes, headers: dict[str, str]
) -> dict[str, int]:
    found = {}
    for _ in range(2):  # the first clears the counts
        httpx.post(url, content=body, headers=headers, timeout=60).raise_for_status()
        time.sleep(_SETTLE_SECONDS)
        server.stdin.write("\n")
        server.stdin.flush()
        line = next(line for line in server.stdout if line.startswith(_MARK))
        found = json.loads(line.removeprefix(_MARK))
    return found


if __name__ == "__main__":
    app()
