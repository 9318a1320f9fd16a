"""The serving report's picture: images per second of each server."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.serving.contenders import BATCH, Kind
from benchmarks.serving.results import Cell, Results
from benchmarks.serving.slot import SINGLES
from benchmarks.serving.summary import select

_COLOURS = {Kind.NUMERAL: "#1f6f8b", Kind.PEER: "#b8b8b8", Kind.CEILING: "#e8d9a8"}
_ROW_INCHES = 0.14


def draw(results: Results, path: Path) -> None:
    """Write the picture: a row of two panels for each model."""
    models = list(results.conditions.rounds)
    rows = len({(cell.server, cell.scenario.way) for cell in results.cells})
    height = len(models) * (1.1 + _ROW_INCHES * rows)
    figure = Figure(figsize=(13, height), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(len(models), 2, squeeze=False)
    for model, (left, right) in zip(models, panels, strict=True):
        singles = select(results, model, images=1, concurrency=SINGLES[-1])
        _bars(left, results, singles, f"{model}: single images, {SINGLES[-1]} at a time")
        batches = select(results, model, images=BATCH)
        _bars(right, results, batches, f"{model}: {BATCH} images in a request")
    figure.savefig(path, dpi=110, metadata={"Software": None})


def _bars(axes: Axes, results: Results, cells: list[Cell], title: str) -> None:
    names, rates, colours = [], [], []
    for server in results.servers:
        for cell in (cell for cell in cells if cell.server == server.name):
            names.append(f"{server.title.replace('`', '')} ({cell.scenario.way})")
            rates.append(cell.rate)
            colours.append(_COLOURS[Kind(server.kind)])
    bars = axes.barh(names, rates, color=colours)
    axes.bar_label(bars, labels=[f"{rate:,.0f}" for rate in rates], padding=3, fontsize=7)
    axes.invert_yaxis()
    axes.margins(x=0.14, y=0.02)
    axes.tick_params(axis="y", labelsize=7)
    axes.tick_params(axis="x", labelsize=8)
    axes.set_xlabel("images per second", fontsize=8)
    axes.set_title(title, fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
