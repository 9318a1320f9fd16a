"""The paper fitted behind the ink."""

import cv2
import numpy as np
import pytest

from service.imaging.paper import fitted


def test_the_surface_follows_light_that_falls_off_to_all_sides():
    y, x = np.mgrid[-1 : 1 : 28 * 1j, -1 : 1 : 28 * 1j]
    light = 200 - 60 * (x * x + y * y)

    assert np.abs(fitted(light) - light).max() < 3


@pytest.mark.parametrize("seed", range(5))
def test_the_surface_does_not_bend_after_strokes_along_the_rim_of_a_tight_crop(seed):
    crop = np.random.default_rng(seed).normal(170, 12, (36, 28))
    crop[:, :2] -= 30
    crop[:, -2:] -= 30

    assert np.ptp(fitted(crop)) < 12


@pytest.mark.parametrize(("ink", "paper"), [(50, 170), (170, 50)])
def test_the_surface_is_the_paper_where_a_ring_touches_all_sides(ink, paper):
    page = np.full((46, 42), float(paper))
    cv2.ellipse(page, (21, 23), (9, 11), 0, 0, 360, ink, 4)
    crop = cv2.GaussianBlur(page, (0, 0), 1.5)[10:-10, 10:-10]

    assert np.abs(fitted(crop) - paper).max() < 0.3 * abs(ink - paper)
