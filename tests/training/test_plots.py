"""Plots that a person can read."""

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="requires the extra 'training'")

from matplotlib.colors import to_rgb

from models.mnist import Digits
from training import plots
from training.evaluate import Answers

ROWS = [
    {"epoch": epoch, "loss": 1 / epoch, "accuracy": 0.9, "val_loss": 1.0, "val_accuracy": 0.9}
    for epoch in (1, 2, 3)
]


def luminance(colour):
    """Relative luminance of WCAG 2."""
    channels = np.asarray(to_rgb(colour))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("mistakes", [0, 1, 30])
def test_every_figure_of_a_confusion_matrix_contrasts_with_its_cell(mistakes):
    labels = np.repeat(np.arange(10, dtype=np.uint8), 40)
    said = labels.astype(int)
    said[:mistakes] = 6
    said[50 : 50 + mistakes // 2] = 7
    digits = Digits(np.zeros((400, 28, 28), np.uint8), labels)

    (axes,) = plots.confusion(Answers(digits, np.eye(10, dtype=np.float32)[said]), "x").axes

    (image,) = axes.get_images()
    assert len(axes.texts) == 100
    for text in axes.texts:
        answer, label = text.get_position()
        value = image.get_array()[label, answer]
        cell = "white" if np.ma.is_masked(value) else image.to_rgba(value)[:3]
        assert contrast(text.get_color(), cell) >= 4.5


@pytest.mark.parametrize(
    "figure", [plots.history(ROWS, "x"), plots.histories({"x": ROWS})], ids=["one", "many"]
)
def test_epochs_are_those_of_the_history(figure):
    for axes in figure.axes:
        for line in axes.get_lines():
            assert list(line.get_xdata()) == [row["epoch"] for row in ROWS]
