"""Drift: recent pictures are compared with those of a calibration."""

import cv2
import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families as parse_text

from models.manifest import PACKAGE_DIRECTORY
from service.drift import Distribution
from service.inference.calibrations import calibrate
from service.inference.catalogue import load_catalogue
from service.inference.digits import DigitOptions
from service.metrics import Metrics

RANDOM = np.random.default_rng(5)
DISTRIBUTION = Distribution.of(RANDOM.normal(size=1_000).tolist())
CHANGED, UNCHANGED = 0.25, 0.1


def of_recent(values) -> float:
    bins = np.searchsorted(DISTRIBUTION.edges, values, side="right")
    return DISTRIBUTION.stability_index(np.bincount(bins, minlength=10).tolist())


def test_the_index_of_equal_populations_is_small_and_of_moved_ones_large():
    assert DISTRIBUTION.pictures == (100,) * 10
    assert 0 <= of_recent(RANDOM.normal(size=500)) < UNCHANGED
    assert of_recent(RANDOM.normal(0.7, size=500)) > CHANGED
    assert CHANGED < of_recent(np.full(500, 9.0)) < 20
    assert np.isnan(of_recent(RANDOM.normal(size=499)))


@pytest.mark.parametrize(("count", "bins"), [(0, 0), (39, 0), (40, 2), (100, 5), (10_000, 10)])
def test_a_bin_has_twenty_pictures_at_least(count, bins):
    made = Distribution.of(RANDOM.normal(size=count).tolist())

    assert len(made.pictures if made else ()) == bins


def test_another_pen_is_seen_in_the_width_of_the_strokes(tmp_path, app_client):
    pipeline = load_catalogue(PACKAGE_DIRECTORY, "mlp").digits(
        DigitOptions(), max_error=0.001, max_pixels=10**6
    )
    files = [drawn(4) for _ in range(500)]
    inputs = [pipeline.normalise(pipeline.decode(file)) for file in files]
    calibration = calibrate(
        pipeline.read(inputs),
        ["7"] * len(files),
        name="bank-a",
        labels="drawn",
        inks=[each.ink for each in inputs],
    )
    calibration.save(tmp_path / "bank-a.json")
    client = app_client(calibrations=tmp_path)

    def indices(pen: int, count: int, query: str = "?calibration=bank-a") -> dict[str, float]:
        for _ in range(count // 200):
            files = [("files", drawn(pen)) for _ in range(200)]
            client.post(f"/predict/batch{query}", files=files).raise_for_status()
        return {
            sample.labels["feature"]: sample.value
            for family in parse_text(client.get("/metrics").text)
            for sample in family.samples
            if sample.name == "numeral_drift_psi"
        }

    too_few, before = indices(4, 400), indices(4, 200)
    other, after = indices(9, 400, query=""), indices(9, 1_200)

    assert set(before) == {"confidence", "height", "contrast", "stroke"}
    assert all(map(np.isnan, too_few.values()))
    assert all(value < UNCHANGED for value in before.values())
    assert other == before  # they were read without the calibration
    assert after["stroke"] > CHANGED
    assert after["contrast"] < UNCHANGED


def test_a_calibration_that_is_removed_leaves_the_metrics():
    metrics = Metrics()
    names = {"versions": {"mlp": "1"}, "defaults": (), "failed": 0}

    metrics.serving(**names, calibrated={("mlp", "bank-a"): {"stroke": DISTRIBUTION}})
    before = metrics.page("text/plain")[0].decode()
    metrics.serving(**names)
    after = metrics.page("text/plain")[0].decode()

    assert 'numeral_drift_pictures{bin="9",calibration="bank-a"' in before
    assert "bank-a" not in after


def drawn(pen: int) -> bytes:
    """A seven of a size and a tone that vary, and with a pen of about so many pixels."""
    height, tone = int(RANDOM.integers(40, 70)), int(RANDOM.integers(0, 120))
    width = int(RANDOM.integers(pen - 1, pen + 2))
    canvas = np.full((100, 100), 255, np.uint8)
    corners = np.array([(30, 15), (30 + height // 2, 15), (40, 15 + height)])
    cv2.polylines(canvas, [corners], False, tone, width, cv2.LINE_AA)
    return cv2.imencode(".png", canvas)[1].tobytes()
