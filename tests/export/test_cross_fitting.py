"""A network that learnt from everything, calibrated by networks that each left out some writers."""

import gzip
from dataclasses import replace

import numpy as np
import pytest

from models.manifest import load_manifest
from service.inference.sessions import open_classifier
from tests.generated import drawn_mnist, write_idx

pytest.importorskip("keras", reason="requires the extra 'training' (no TensorFlow here)")
pytest.importorskip("onnx", reason="requires the extra 'training'")

from export.pipeline import export_run
from export.publish import publish
from export.review import review
from training.folds import WRITERS, Fold
from training.junk import junk
from training.negatives import Pictures
from training.recipes import OPEN_SET
from training.runs import RunError
from training.train import Task, train


@pytest.fixture(scope="module")
def mnist():
    return replace(drawn_mnist(), writers=np.arange(600) % 30)


@pytest.fixture(scope="module")
def task(mnist):
    return Task(
        "mlp",
        replace(OPEN_SET, epochs=2, batch_size=50, average=0.5),
        everything=True,
        negatives=junk(50, mnist.train.images, np.random.default_rng(1)),
        pictures=Pictures(mnist.train.images[:90], np.arange(90)),
    )


@pytest.fixture(scope="module")
def run(mnist, task, tmp_path_factory):
    runs_dir = tmp_path_factory.mktemp("runs")
    run = train(task, mnist, runs_dir)
    with pytest.raises(RunError, match="--fold 1/4"):
        export_run(run, mnist)
    train(replace(task, everything=False, fold=Fold(1, 2)), mnist, runs_dir)
    with pytest.raises(RunError, match="--fold 1/2"):
        export_run(run, mnist)
    train(replace(task, everything=False, fold=Fold(2, 2)), mnist, runs_dir)
    return run


def test_thresholds_are_chosen_on_all_training_images(run, mnist, tmp_path):
    [exported] = export_run(run, mnist, eight_bits=False)

    card = exported.card
    assert {point.held_out.images for point in card.operating_points} == {600}
    assert card.training.folds == 2
    assert (card.training.train_images, card.training.validation_images) == (600, 0)
    assert card.training.negatives
    assert card.outliers.scored

    publish(tmp_path, [exported])
    [published] = load_manifest(tmp_path).models
    scored = open_classifier(tmp_path, published).run(mnist.test.images)
    reference = run.load_model().predict(mnist.test.images, verbose=0)
    np.testing.assert_allclose(scored.outlier, reference["outlier"][:, 0], atol=1e-5)


def test_the_most_confident_mistakes_are_listed_by_their_place(run, mnist, tmp_path, capsys):
    write_idx(tmp_path, mnist)
    rows = [
        f"{label}\t0\t{writer}\t0\t0\t0\t0\t0\n"
        for label, writer in zip(mnist.train.labels, mnist.writers, strict=True)
    ]
    (tmp_path / WRITERS).parent.mkdir()
    (tmp_path / WRITERS).write_bytes(gzip.compress("".join(rows).encode()))
    np.savez(tmp_path / "none.npz", train=np.zeros(1), letters=mnist.test.images)

    review(
        run.folder,
        tmp_path,
        negatives=tmp_path / "none.npz",
        mistakes=3,
        sheet=tmp_path / "sheet.png",
        verify=False,
    )

    printed = capsys.readouterr().out
    assert "600 held-out digits by 2 networks" in printed
    listed = [row.split("|")[1:3] for row in printed.splitlines() if row.startswith("| ")][2:]
    assert len(listed) == 3
    for place, label in listed:
        assert mnist.train.labels[int(place)] == int(label)
    assert (tmp_path / "sheet.png").exists()


def test_a_fold_learns_from_the_others_alone(mnist, task):
    source = replace(task, everything=False, fold=Fold(1, 2)).source(mnist)
    learnt, _ = Fold(1, 2).split(mnist.writers)

    np.testing.assert_array_equal(source.digits.images, mnist.train.images[learnt])
    with_picture = source.picture_of >= 0
    np.testing.assert_array_equal(with_picture, learnt < 90)
    np.testing.assert_array_equal(source.picture_of[with_picture], learnt[learnt < 90])
