"""Standardised strips of any size, light and polarity."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from models.strips import (
    BUCKET,
    HEIGHT,
    MARGIN,
    MAX_WIDTH,
    PAPER,
    STRIDE,
    pad,
    percentiles,
    standardise,
)


def strip(height=60, width=200, *, paper=200, ink=50):
    page = np.full((height, width), paper, np.uint8)
    size = height / 30
    for place in range(3):
        left = int(width * (0.1 + 0.3 * place))
        cv2.line(page, (left, height // 4), (left, 3 * height // 4), ink, max(1, int(2 * size)))
    return page


def ink_columns(pixels):
    return np.flatnonzero((pixels < PAPER - 80).any(axis=0))


@pytest.mark.parametrize(("height", "width"), [(60, 200), (25, 90), (200, 130), (53, 155)])
def test_a_strip_is_scaled_to_the_height_of_the_reader(height, width):
    seen = standardise(strip(height, width))

    rows, columns = seen.pixels.shape
    assert rows == HEIGHT
    assert columns % STRIDE == 0
    assert 0 <= columns - 2 * MARGIN - width * HEIGHT / height < STRIDE + 1


def test_positions_map_back_to_the_picture():
    picture = strip(80, 300)

    seen = standardise(picture)

    first = (ink_columns(seen.pixels)[0] - MARGIN) / seen.scale
    assert first == pytest.approx(np.flatnonzero((picture < 100).any(axis=0))[0], abs=2)


def test_a_long_strip_is_scaled_down():
    seen = standardise(strip(40, 3000))

    assert seen.pixels.shape[1] <= MAX_WIDTH
    assert seen.top > 0
    assert seen.scale == pytest.approx((MAX_WIDTH - 2 * MARGIN) / 3000)
    assert (seen.pixels[: seen.top] == PAPER).all()


@pytest.mark.parametrize(("paper", "ink"), [(240, 200), (120, 40), (20, 220), (90, 160)])
def test_paper_and_ink_are_standardised(paper, ink):
    reference = standardise(strip()).pixels

    pixels = standardise(strip(paper=paper, ink=ink)).pixels

    assert np.abs(pixels.astype(int) - reference).max() <= 8


def test_grain_is_not_ink():
    grain = np.random.default_rng(1).normal(200, 2, (50, 160))

    pixels = standardise(grain.astype(np.uint8)).pixels

    assert pixels.min() > PAPER - 80


@pytest.mark.parametrize("shape", [(1, 1), (1, 500), (500, 1), (2, 3)])
def test_the_smallest_pictures_are_strips(shape):
    assert standardise(np.full(shape, 128, np.uint8)).pixels.shape[0] == HEIGHT


def test_a_batch_is_padded_to_the_widest_strip():
    narrow, wide = standardise(strip(width=90)).pixels, standardise(strip(width=300)).pixels

    batch = pad([narrow, wide])

    assert batch.shape[2] % BUCKET == 0
    assert 0 <= batch.shape[2] - wide.shape[1] < BUCKET
    np.testing.assert_array_equal(batch[0, :, : narrow.shape[1]], narrow)
    assert (batch[0, :, narrow.shape[1] :] == PAPER).all()


@given(
    arrays(np.uint8, array_shapes(min_dims=2, max_dims=2), elements=st.integers(0, 255)),
    st.floats(0, 100),
)
@settings(deadline=None)
def test_percentiles_are_those_of_numpy(grey, share):
    assert percentiles(grey, (share, 50)) == np.percentile(grey, (share, 50)).tolist()
