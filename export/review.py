"""The command `python -m export.review`: what a calibration rests on, without the test images.

The held-out digits that a run gets wrong most confidently, to look at their labels; and how many
of the characters that are no digits, and of what else no training saw, each threshold accepts.
"""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import cv2
import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from export.calibrate import choose_entropy, choose_thresholds
from export.convert import convert
from export.folds import answers_of, held_out_by, judges_of
from export.measure import without_outliers
from export.runtime import Outputs
from export.runtime import run as run_onnx
from models.error_rates import fit_temperature, select
from models.manifest import OutlierRule
from models.mnist import Digits, Images
from training.data import load_mnist
from training.folds import load_writers
from training.runs import Run

_COLUMNS = 20  # of the contact sheet
_ZOOM = 3

Scores = dict[str, NDArray[np.float64]]  # by kind of picture, [N]


def review(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Directory of a finished run.")],
    data_dir: Annotated[
        Path, typer.Option(envvar="NUMERAL_DATA", help="MNIST's IDX files, and mnist-writers.")
    ],
    negatives: Annotated[
        Path | None, typer.Option(metavar="FILE", help="From `python -m training negatives`.")
    ] = None,
    mistakes: Annotated[int, typer.Option(help="Number of mistakes to list.")] = 200,
    sheet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PNG of the mistakes, in order.")
    ] = None,
    verify: Annotated[bool, typer.Option(help="Check the MD5 sums of MNIST's files.")] = True,
) -> None:
    """Print the operating points on the held-out digits, and the most confident mistakes."""
    run = Run(folder)
    mnist = load_mnist(data_dir, verify=verify)
    mnist = replace(mnist, writers=load_writers(data_dir, mnist.train))
    judges = judges_of(run, mnist)
    digits = held_out_by(judges)
    raw = answers_of(judges, lambda model, temperature, _: convert(model, temperature=temperature))
    temperature = fit_temperature(raw.logits, digits.labels)
    outputs = raw.at(temperature)
    rule = OutlierRule(
        entropy=choose_entropy(outputs.entropies), scored=True, held_out=0.0, test=0.0
    )
    network = convert(run.load_model(), temperature=temperature).SerializeToString()
    others = {
        name: without_outliers(run_onnx(network, images), rule)
        for name, images in (dict(np.load(negatives)) if negatives else {}).items()
        if name != "train"
    }
    console = Console(width=110)
    console.print(
        f"{len(digits):,} held-out digits by {len(judges)} networks, accuracy"
        f" {np.mean(outputs.answers == digits.labels):.3%}, temperature {temperature:.3f}, entropy"
        f" {rule.entropy:.3f}"
    )
    console.print(_points(outputs, digits, rule, others))
    console.print(_frontier(outputs, digits, rule, others))
    scores = without_outliers(outputs, rule)
    wrong = np.flatnonzero(outputs.answers != digits.labels)
    worst = wrong[np.argsort(-scores[wrong])][:mistakes]
    places = np.concatenate([judge.places for judge in judges])
    typer.echo("| image | label | answer | confidence |\n| ---: | ---: | ---: | ---: |")
    for place in worst:
        typer.echo(
            f"| {places[place]} | {digits.labels[place]} | {outputs.answers[place]}"
            f" | {scores[place]:.5f} |"
        )
    if sheet:
        cv2.imwrite(str(sheet), _sheet(digits.images[worst]))


def _points(outputs: Outputs, digits: Digits, rule: OutlierRule, others: Scores) -> Table:
    scores, correct = without_outliers(outputs, rule), outputs.answers == digits.labels
    table = Table("error rate", "threshold", "read", "errors", "at most (95%)", *others)
    for max_error, threshold in choose_thresholds(scores, correct).items():
        found = select(scores, correct, threshold)
        table.add_row(
            f"{max_error:.2%}",
            "none" if threshold is None else f"{threshold:.7f}",
            f"{found.read_rate:.3%}",
            str(found.errors),
            f"{found.error_rate_bound:.3%}",
            *(f"{np.mean(each >= (threshold or 2)):.2%}" for each in others.values()),
        )
    return table


def _frontier(outputs: Outputs, digits: Digits, rule: OutlierRule, others: Scores) -> Table:
    """Return, for shares of digits read, the errors and what else is accepted."""
    scores, correct = without_outliers(outputs, rule), outputs.answers == digits.labels
    table = Table("read", "errors", *others)
    for read in (0.995, 0.99, 0.985, 0.98, 0.97, 0.95):
        threshold = np.quantile(scores, 1 - read)
        table.add_row(
            f"{read:.1%}",
            str(int((~correct & (scores >= threshold)).sum())),
            *(f"{np.mean(each >= threshold):.2%}" for each in others.values()),
        )
    return table


def _sheet(images: Images) -> Images:
    missing = -len(images) % _COLUMNS
    padded = np.concatenate([images, np.zeros((missing, 28, 28), np.uint8)])
    rows = [np.hstack(padded[at : at + _COLUMNS]) for at in range(0, len(padded), _COLUMNS)]
    return 255 - cv2.resize(np.vstack(rows), None, fx=_ZOOM, fy=_ZOOM)


if __name__ == "__main__":
    typer.run(review)
