"""The report of the comparison study: a Markdown page with its plots."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from models.manifest import Manifest
from models.mnist import Digits
from training import architectures, plots
from training.evaluate import Answers, answer
from training.runs import Run
from training.study import MILESTONES, Finding

PAGE = "study.md"
FIGURES = "study"
_SHOWN_MISTAKES = 5

_METHOD = """\
# The comparison study

Five networks trained with one plain recipe by `python -m training study`: Adam at a constant
rate of 0.001, batches of 128, rectified linear units, softmax and cross-entropy, seed 1, no
augmentation. 50,000 of MNIST's training images are used for training, the last 10,000 for
validation. The 10,000 test images are measured after 10, 50 and 100 epochs; nothing was chosen
by them.

Each network is trained once, for 100 epochs, and measured on the way: nothing in the recipe
depends on the number of epochs, so this equals three runs. The MLP is also trained on the first
12,000 images alone, for 60 epochs: with the plain recipe, and, as recipe `augmented`, with the
augmentation of the shipped weights. The CNN has dropout. The material that the study follows
reports 97.89% for such an MLP and about 99% for such a CNN. The shipped weights are trained
with another recipe: see [the models](../models.md).
"""


def write_report(
    findings: Sequence[Finding],
    runs: Mapping[str, Run],
    test: Digits,
    manifest: Manifest,
    folder: Path,
) -> Path:
    """Write the page and its plots into `folder`, and return the path of the page.

    `runs` are the runs of `findings` on all training images, by model; `manifest` has the size and
    speed of the exported architectures.
    """
    answers = {name: answer(run.load_model(), test) for name, run in runs.items()}
    figures = folder / FIGURES
    figures.mkdir(parents=True, exist_ok=True)
    histories = {_title(name): run.history() for name, run in runs.items()}
    plots.histories(histories).savefig(figures / "curves.png")
    titled = {_title(name): found for name, found in answers.items()}
    plots.confusions(titled).savefig(figures / "confusion.png")
    plots.trade_offs(_costs(answers, manifest)).savefig(figures / "cost.png")
    page = folder / PAGE
    page.write_text("\n".join(_lines(findings, runs, answers)) + "\n")
    return page


def _title(name: str) -> str:
    return architectures.architecture(name).TITLE


def _costs(answers: Mapping[str, Answers], manifest: Manifest) -> list[plots.Cost]:
    cards = {card.name: card for card in manifest.models}
    return [
        plots.Cost(_title(name), found.accuracy, card.parameters, card.speed.latency_ms)
        for name, found in answers.items()
        if (card := cards.get(name))
    ]


def _lines(
    findings: Sequence[Finding], runs: Mapping[str, Run], answers: Mapping[str, Answers]
) -> Iterator[str]:
    yield _METHOD
    yield "## Figures\n"
    yield (
        "| model | recipe | images | epochs | training loss | training | validation | test"
        " | s/epoch |"
    )
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    for finding in findings:
        yield (
            f"| {_title(finding.model)} | {finding.recipe} | {finding.train_images:,}"
            f" | {finding.epochs}"
            f" | {finding.loss:.5f} | {finding.accuracy:.2%} | {finding.validation_accuracy:.2%}"
            f" | {finding.test_accuracy:.2%} | {finding.seconds_per_epoch:.1f} |"
        )
    yield (
        "\nSeconds are the median over the epochs of a run, including validation, on two cores of a"
        " shared machine: compare models, not machines."
    )
    yield f"\n![Loss and accuracy by epoch]({FIGURES}/curves.png)\n"
    yield "## Accuracy against cost\n"
    yield (
        f"Test accuracy after {MILESTONES[-1]} epochs against parameters, and against the time of"
        " the exported network for one image in ONNX Runtime on one thread.\n"
    )
    yield f"![Accuracy against parameters and latency]({FIGURES}/cost.png)\n"
    yield f"## Confusion on the test set after {MILESTONES[-1]} epochs\n"
    yield f"![Confusion matrices]({FIGURES}/confusion.png)\n"
    yield "## The most confident mistakes\n"
    yield "By position in the test set, from 0; MNIST's images are not in this repository.\n"
    yield "| model | image | label | answer | probability of the label |"
    yield "| --- | ---: | ---: | ---: | ---: |"
    for name in runs:
        yield from _mistakes(_title(name), answers[name])


def _mistakes(title: str, found: Answers) -> Iterator[str]:
    labels = found.digits.labels
    # Of the label, because that of many wrong answers is 1 to seven decimals.
    of_label = found.probabilities[np.arange(len(labels)), labels]
    wrong = (found.answers != labels).nonzero()[0]
    for place in sorted(wrong, key=lambda place: of_label[place])[:_SHOWN_MISTAKES]:
        yield (
            f"| {title} | {place} | {labels[place]} | {found.answers[place]}"
            f" | {of_label[place]:.1e} |"
        )
