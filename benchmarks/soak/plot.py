"""The soak's picture: goodput against offered load, and memory over time."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.soak.results import Endurance, Overload, Results


def draw(results: Results, path: Path) -> None:
    """Write the picture."""
    figure = Figure(figsize=(12, 4), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2)
    _loads(left, results.overload)
    _memory(right, results.endurance)
    figure.savefig(path, dpi=110, metadata={"Software": None})


def _loads(axes: Axes, found: Overload) -> None:
    loads = sorted(found.loads, key=lambda load: load.offered)
    offered = [load.offered for load in loads]
    axes.plot(offered, [load.goodput for load in loads], marker="o", label="answered with 200")
    axes.plot([found.long.offered], [found.long.goodput], "s", label=f"{found.long.seconds:.0f} s")
    axes.axhline(found.peak, color="0.5", linestyle="--", label="peak, closed loop")
    axes.axhline(0.9 * found.peak, color="0.8", linestyle=":", label="90% of it")
    axes.set(xlabel="offered, requests/s", ylabel="requests/s", title="Overload")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)


def _memory(axes: Axes, found: Endurance) -> None:
    axes.plot(
        [moment.seconds / 60 for moment in found.memory],
        [moment.rss_mb for moment in found.memory],
        linewidth=1,
    )
    axes.axvline(found.warm_up_seconds / 60, color="0.5", linestyle="--", label="end of warm-up")
    axes.set(xlabel="minutes", ylabel="resident memory of all processes, MB", title="Mixed work")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
