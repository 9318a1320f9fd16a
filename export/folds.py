"""Networks and the digits that each of them is calibrated on, because it has not seen them."""

from collections.abc import Callable
from dataclasses import dataclass

import keras
import numpy as np
import onnx
from numpy.typing import NDArray

from export.provenance import check_held_out, folds_of
from export.runtime import Outputs, run
from models.mnist import Digits
from training.data import Mnist, joined
from training.folds import Fold
from training.runs import Run, RunError

# From a network, a temperature, and the images it learnt from.
Convert = Callable[[keras.Model, float, Digits], onnx.ModelProto]


@dataclass(frozen=True)
class Judge:
    """A network, what it learnt from, and digits of writers that it has not seen.

    `places` are the positions of these digits in the training set.
    """

    model: keras.Model
    train: Digits
    held_out: Digits
    places: NDArray[np.int64]


def judges_of(run: Run, mnist: Mnist) -> list[Judge]:
    """Return what calibrates `run`: itself, or its folds if it learnt from everything.

    Cross-fitting: the folds are networks of the same recipe, and together they answer for all
    training images. They learnt from fewer images, so thresholds err on the safe side; what is
    calibrated is the recipe, not the one network.

    Raises:
        RunError: the run or a fold of it has not finished, or was trained on other data.
    """
    if not run.config().everything:
        train, held_out = mnist.hold_out()
        check_held_out(run, len(held_out), "images")
        places = np.arange(len(train), len(mnist.train))
        return [Judge(run.load_model(), train, held_out, places)]
    if mnist.writers is None:
        raise RunError(f"{run.folder}: is calibrated by writer, and these are not known")
    judges = []
    for fold_run in folds_of(run):
        learnt, places = Fold.parse(fold_run.config().fold or "").split(mnist.writers)
        check_held_out(fold_run, len(places), "images")
        train, held_out = mnist.train[learnt], mnist.train[places]
        judges.append(Judge(fold_run.load_model(), train, held_out, places))
    return judges


def held_out_by(judges: list[Judge]) -> Digits:
    """Return the digits that the judges answer for, in their order."""
    return joined(*(judge.held_out for judge in judges))


def answers_of(judges: list[Judge], convert: Convert) -> Outputs:
    """Return their answers for `held_out_by`, by the exported graphs, uncalibrated."""
    return Outputs.pooled(
        [
            run(
                convert(judge.model, 1.0, judge.train).SerializeToString(deterministic=True),
                judge.held_out.images,
            )
            for judge in judges
        ]
    )
