"""Plots of one run, and of several next to each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from training.architectures import CLASSES
from training.evaluate import Answers

mpl.rcParams["savefig.bbox"] = "tight"


def history(rows: Sequence[Mapping[str, float]], title: str) -> Figure:
    """Plot loss and accuracy by epoch, on training and validation images."""
    epochs = range(1, len(rows) + 1)
    figure = Figure(figsize=(10, 4))
    for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        axes.plot(epochs, [row[quantity] for row in rows], marker=".", label="training")
        validation = [row[f"val_{quantity}"] for row in rows]
        if not np.isnan(validation).all():
            axes.plot(epochs, validation, marker=".", label="validation")
        axes.set(xlabel="epoch", ylabel=quantity, title=f"{title}: {quantity}")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    return figure


def histories(runs: Mapping[str, Sequence[Mapping[str, float]]]) -> Figure:
    """Plot loss and accuracy by epoch of several models, given by title."""
    figure = Figure(figsize=(12, 5))
    for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        for index, (title, rows) in enumerate(runs.items()):
            epochs = range(1, len(rows) + 1)
            axes.plot(epochs, [row[quantity] for row in rows], color=f"C{index}", label=title)
            validation = [row[f"val_{quantity}"] for row in rows]
            axes.plot(epochs, validation, color=f"C{index}", linestyle=":")
        axes.set(xlabel="epoch", ylabel=f"{quantity} (training; dotted: validation)")
        axes.grid(alpha=0.3)
        axes.legend()
        if quantity == "loss":
            axes.set_yscale("log")
        else:
            axes.set_ylim(0.96, 1.001)
    return figure


@dataclass(frozen=True)
class Cost:
    """Accuracy and cost of a model; latency in milliseconds."""

    title: str
    accuracy: float
    parameters: int
    latency_ms: float


def trade_offs(costs: Sequence[Cost]) -> Figure:
    """Plot accuracy against parameters and against latency."""
    figure = Figure(figsize=(12, 4.5))
    left, right = figure.subplots(1, 2, sharey=True)
    for cost in costs:
        for axes, value in ((left, cost.parameters), (right, cost.latency_ms)):
            axes.scatter(value, cost.accuracy * 100)
            axes.annotate(
                cost.title, (value, cost.accuracy * 100), (5, 5), textcoords="offset points"
            )
    left.set(xlabel="parameters", ylabel="test accuracy, %")
    right.set(xlabel="milliseconds per image, one thread")
    for axes in (left, right):
        axes.grid(alpha=0.3)
        axes.margins(0.15)
    return figure


def confusion(answers: Answers, title: str) -> Figure:
    """Plot labels against answers; only mistakes are coloured."""
    figure = Figure(figsize=(6, 6))
    _draw_confusion(figure.subplots(), answers, title)
    return figure


def confusions(answers: Mapping[str, Answers]) -> Figure:
    """Plot the confusion matrices of several models, given by title."""
    figure = Figure(figsize=(5 * len(answers), 5))
    rows = figure.subplots(1, len(answers), squeeze=False)
    for axes, (title, found) in zip(rows.flat, answers.items(), strict=True):
        _draw_confusion(axes, found, title)
    return figure


def _draw_confusion(axes: Axes, answers: Answers, title: str) -> None:
    counts = answers.confusion
    mistakes = counts.astype(float)
    np.fill_diagonal(mistakes, np.nan)
    # Half of the colours only: black figures are readable on the darkest one.
    axes.imshow(mistakes, cmap="Reds", vmin=0, vmax=2 * max(1, np.nanmax(mistakes)))
    for (label, answer), count in np.ndenumerate(counts):
        axes.text(answer, label, str(count), ha="center", va="center", fontsize=8)
    axes.set(
        xlabel="answer",
        ylabel="label",
        xticks=range(CLASSES),
        yticks=range(CLASSES),
        title=f"{title}: {answers.accuracy:.2%} of {len(answers.digits):,}",
    )


def predictions(answers: Answers, title: str, rows: int = 5, columns: int = 10) -> Figure:
    """Plot the first images with their answers; wrong ones in red with the label."""
    figure = Figure(figsize=(columns, 1.25 * rows))
    figure.suptitle(title)
    for index, axes in enumerate(figure.subplots(rows, columns).flat):
        axes.axis("off")
        if index >= len(answers.digits):
            continue
        answer, label = answers.answers[index], answers.digits.labels[index]
        axes.imshow(answers.digits.images[index], cmap="gray_r")
        axes.set_title(
            f"{answer}" if answer == label else f"{answer}, not {label}",
            color="black" if answer == label else "red",
            fontsize=9,
        )
    return figure
