"""The pictures of a run: its curves, its confusion matrix, its answers."""

from collections.abc import Mapping, Sequence

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from training.architectures import CLASSES
from training.evaluate import Answers

mpl.rcParams["savefig.bbox"] = "tight"


def history(rows: Sequence[Mapping[str, float]], title: str) -> Figure:
    """Loss and accuracy by epoch, on training and validation images."""
    epochs = [int(row["epoch"]) + 1 for row in rows]
    figure = Figure(figsize=(10, 4))
    for axes, quantity in zip(figure.subplots(1, 2), ("loss", "accuracy"), strict=True):
        axes.plot(epochs, [row[quantity] for row in rows], marker=".", label="training")
        axes.plot(epochs, [row[f"val_{quantity}"] for row in rows], marker=".", label="validation")
        axes.set(xlabel="epoch", ylabel=quantity, title=f"{title}: {quantity}")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        axes.legend()
    return figure


def confusion(answers: Answers, title: str) -> Figure:
    """Labels against answers; the diagonal is left uncoloured so that mistakes stand out."""
    counts = answers.confusion
    mistakes = counts.astype(float)
    np.fill_diagonal(mistakes, np.nan)
    figure = Figure(figsize=(6, 6))
    axes = figure.subplots()
    axes.imshow(mistakes, cmap="Reds")
    for (label, answer), count in np.ndenumerate(counts):
        axes.text(answer, label, str(count), ha="center", va="center", fontsize=8)
    axes.set(
        xlabel="answer",
        ylabel="label",
        xticks=range(CLASSES),
        yticks=range(CLASSES),
        title=f"{title}: {answers.accuracy:.2%} of {len(answers.digits):,}",
    )
    return figure


def predictions(answers: Answers, title: str, rows: int = 5, columns: int = 10) -> Figure:
    """The first images with the answers given; wrong ones in red with the label."""
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
