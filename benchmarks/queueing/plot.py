"""The picture of the queue: latencies measured and simulated."""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks.queueing.results import Results


def draw(results: Results, path: Path) -> None:
    """Write the picture: a panel for each model, a colour for each load."""
    models = [each.model for each in results.costs]
    figure = Figure(figsize=(6 * len(models), 4), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(models), squeeze=False)[0]
    for model, axes in zip(models, panels, strict=True):
        found = [each for each in results.compared if each.model == model]
        for colour, each in enumerate(found):
            label = f"{each.load.base:,.0f}/s"
            if each.load.burst != each.load.base:
                label += f", bursts of {each.load.burst:,.0f}/s"
            for spread, style in ((each.measured, "-"), (each.simulated, "--")):
                axes.plot(
                    spread.quantiles_ms,
                    range(len(spread.quantiles_ms)),
                    style,
                    color=f"C{colour}",
                    linewidth=1.5,
                    label=label if style == "-" else None,
                )
        axes.set(
            xscale="log",
            xlabel="milliseconds until the answer",
            ylabel="percent of the answers",
            title=f"{model}: measured (line) and simulated (dashes)",
        )
        axes.grid(alpha=0.3)
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=100, metadata={"Software": None})
