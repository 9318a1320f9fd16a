import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from service.imaging import UnreadableImage, normalise, unchanged
from tests.imaging.test_clutter import alike

DIGITS = "0123456789"


def written(digit, side=200, size=None, ink=0, paper=255, thickness=None, at=(0.25, 0.8)):
    """A picture [side, side] with `digit` drawn on it."""
    size = size or side / 32
    picture = np.full((side, side), paper, np.uint8)
    origin = (int(at[0] * side), int(at[1] * side))
    thickness = thickness or max(1, round(3 * size))
    cv2.putText(picture, digit, origin, cv2.FONT_HERSHEY_SIMPLEX, size, ink, thickness, cv2.LINE_AA)
    return picture


def ink_box(image):
    rows, columns = np.nonzero(image.any(axis=1))[0], np.nonzero(image.any(axis=0))[0]
    return columns[0], rows[0], columns[-1] + 1 - columns[0], rows[-1] + 1 - rows[0]


def longer_side(image):
    return max(ink_box(image)[2:])


def centre_of_mass(image):
    mass = image.sum(dtype=float)
    return image.sum(axis=0) @ np.arange(28) / mass, image.sum(axis=1) @ np.arange(28) / mass


def assert_mnist_form(image):
    assert image.shape == (28, 28)
    assert image.dtype == np.uint8
    assert image.max() > 200
    assert abs(longer_side(image) - 20) <= 1
    left, top, width, height = ink_box(image)
    x, y = centre_of_mass(image)
    assert abs(x - 14) <= 0.6 or left == 0 or left + width == 28
    assert abs(y - 14) <= 0.6 or top == 0 or top + height == 28


def mnist_like(digit="5"):
    return normalise(written(digit)).image


@pytest.mark.parametrize("digit", DIGITS)
def test_a_written_digit_gets_the_form_of_mnist(digit):
    result = normalise(written(digit))

    assert not result.blank
    assert_mnist_form(result.image)


@pytest.mark.parametrize("digit", DIGITS)
def test_an_image_in_the_form_of_mnist_comes_back_as_it_is(digit):
    image = mnist_like(digit)

    assert np.array_equal(normalise(image).image, image)


@pytest.mark.parametrize("digit", DIGITS)
def test_the_inverse_of_an_image_in_the_form_of_mnist_is_inverted_exactly(digit):
    image = mnist_like(digit)

    assert np.array_equal(normalise(255 - image).image, image)


def test_an_image_in_the_form_of_mnist_but_shifted_is_only_shifted_back():
    image = mnist_like()

    assert alike(normalise(np.roll(image, (3, -2), (0, 1))).image, image) > 0.99


@pytest.mark.parametrize("digit", DIGITS)
@pytest.mark.parametrize("side", [28, 64, 200])
def test_dark_and_light_ink_give_the_same(digit, side):
    picture = written(digit, side=side)

    assert np.array_equal(normalise(picture).image, normalise(255 - picture).image)


@pytest.mark.parametrize("ink", [0, 255])
def test_ink_comes_out_white_on_black(ink):
    image = normalise(written("1", ink=ink, paper=255 - ink)).image

    assert image[0, 0] == 0
    assert image[14, 14] > 200


@pytest.mark.parametrize(("ink", "paper"), [(30, 90), (200, 140), (100, 255), (118, 130), (16, 0)])
def test_faint_ink_gets_its_full_strength(ink, paper):
    image = normalise(written("3", ink=ink, paper=paper)).image

    assert alike(image, mnist_like("3")) > 0.95


def test_soft_edges_survive():
    image = mnist_like("8")

    assert np.count_nonzero((image > 20) & (image < 235)) > 40


@pytest.mark.parametrize("digit", DIGITS)
def test_uneven_light_makes_little_difference(digit):
    y, x = np.mgrid[0:1:200j, 0:1:200j]
    light = 0.9 - 0.45 * x - 0.15 * y * y
    lit = (written(digit, ink=60).astype(float) * light).astype(np.uint8)

    assert alike(normalise(lit).image, mnist_like(digit)) > 0.9


@pytest.mark.parametrize("digit", DIGITS)
def test_noise_makes_no_difference(digit):
    noise = np.random.default_rng(3).normal(0, 8, (200, 200))
    noisy = np.clip(written(digit, ink=60, paper=220) + noise, 0, 255).astype(np.uint8)

    assert alike(normalise(noisy).image, mnist_like(digit)) > 0.95


def test_specks_are_removed():
    picture = written("5")
    for x, y in ((20, 20), (180, 30), (170, 185), (15, 120)):
        picture[y : y + 3, x : x + 3] = 0

    assert alike(normalise(picture).image, mnist_like("5")) > 0.99


def test_a_neighbour_cut_off_by_the_edge_is_removed():
    picture = written("5", at=(0.3, 0.8))
    expected = normalise(picture).image
    picture[60:110, :10] = 0

    assert alike(normalise(picture).image, expected) > 0.99


def test_both_strokes_of_a_broken_digit_are_kept():
    picture = np.full((100, 100), 255, np.uint8)
    cv2.line(picture, (35, 20), (70, 20), 0, 6)
    cv2.ellipse(picture, (48, 62), (20, 22), 0, -110, 130, 0, 6)

    image = normalise(picture).image

    pieces, _ = cv2.connectedComponents((image > 60).astype(np.uint8), connectivity=8)
    assert pieces - 1 == 2
    assert_mnist_form(image)


def test_ink_that_touches_the_edge_is_kept():
    picture = written("7")
    rows, columns = np.nonzero(picture < 128)
    tight = picture[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]

    assert alike(normalise(tight).image, mnist_like("7")) > 0.95


@pytest.mark.parametrize("size", [(24, 24), (26, 22), (26, 18)])
def test_a_ring_that_touches_all_sides_keeps_all_its_arcs(size):
    height, width = size
    axes = (width // 2 - 2, height // 2 - 2)
    page = np.full((height + 20, width + 20), 170, np.uint8)
    cv2.ellipse(page, (10 + width // 2, 10 + height // 2), axes, 0, 0, 360, 50, 4)
    page = cv2.GaussianBlur(page, (0, 0), 1.5)

    image = normalise(page[10:-10, 10:-10]).image

    assert alike(image, normalise(page).image) > 0.8


def test_a_tiny_digit_on_a_large_page_is_found():
    page = np.full((1400, 1000), 235, np.uint8)
    page[1200:1260, 880:940] = np.minimum(written("4", side=60), 235)

    assert alike(normalise(page).image, normalise(written("4", side=60)).image) > 0.95


def test_a_digit_in_the_corner_of_a_12_megapixel_page_is_found():
    page = np.full((4000, 3000), 235, np.uint8)
    page[3800:3920, 2800:2920] = np.minimum(written("4", side=120), 235)

    assert alike(normalise(page).image, mnist_like("4")) > 0.95


@pytest.mark.parametrize("side", [8, 16])
@pytest.mark.parametrize("digit", DIGITS)
def test_a_picture_of_few_pixels_is_enlarged(digit, side):
    small = cv2.resize(mnist_like(digit), (side, side), interpolation=cv2.INTER_AREA)

    image = normalise(small).image

    assert_mnist_form(image)
    assert alike(image, mnist_like(digit)) > (0.75 if side == 8 else 0.85)


@pytest.mark.parametrize("digit", DIGITS)
def test_a_hairline_does_not_fade(digit):
    image = normalise(written(digit, side=600, thickness=1)).image

    assert np.percentile(image[image > 0], 90) > 200


@pytest.mark.parametrize("side", [1, 2, 8, 28, 300])
@pytest.mark.parametrize("tone", [0, 127, 255])
def test_a_flat_picture_is_blank(side, tone):
    result = normalise(np.full((side, side), tone, np.uint8))

    assert result.blank
    assert result.image.shape == (28, 28)
    assert not result.image.any()


@pytest.mark.parametrize("side", [28, 100, 600])
@pytest.mark.parametrize("tone", [0, 20, 128, 250])
@pytest.mark.parametrize("deviation", [1, 4, 20])
def test_noise_alone_is_blank(side, tone, deviation):
    noise = np.random.default_rng(1).normal(tone, deviation, (side, side))

    assert normalise(np.clip(noise, 0, 255).astype(np.uint8)).blank


def test_uneven_light_alone_is_blank():
    y, x = np.mgrid[0:1:200j, 0:1:200j]

    assert normalise((230 - 90 * x - 40 * y * y).astype(np.uint8)).blank


def test_a_page_with_only_a_speck_is_blank():
    page = np.full((300, 300), 255, np.uint8)
    page[100, 100:102] = 0

    assert normalise(page).blank


@given(hnp.arrays(np.uint8, st.tuples(st.integers(1, 60), st.integers(1, 60))))
@settings(max_examples=200, deadline=None)
def test_any_picture_gets_the_form_of_mnist_or_is_blank(picture):
    result = normalise(picture)

    if result.blank:
        assert not result.image.any()
    else:
        assert_mnist_form(result.image)


@given(
    st.sampled_from(DIGITS),
    st.integers(20, 260),
    st.integers(0, 120),
    st.integers(180, 255),
    st.floats(0.1, 0.4),
    st.floats(0.7, 0.95),
)
@settings(max_examples=100, deadline=None)
def test_any_drawing_gets_the_form_of_mnist_in_either_polarity(digit, side, ink, paper, x, y):
    picture = written(digit, side=side, ink=ink, paper=paper, at=(x, y))

    result = normalise(picture)

    assert not result.blank
    assert_mnist_form(result.image)
    assert np.array_equal(normalise(255 - picture).image, result.image)


@given(st.sampled_from(DIGITS), st.integers(24, 200))
@settings(max_examples=50, deadline=None)
def test_normalising_twice_changes_nothing(digit, side):
    once = normalise(written(digit, side=side)).image

    assert np.array_equal(normalise(once).image, once)


def test_the_picture_given_is_not_changed():
    picture = written("2")
    before = picture.copy()

    normalise(picture)

    assert np.array_equal(picture, before)


def test_a_picture_that_may_not_be_written_to_is_normalised():
    picture = written("2")
    picture.setflags(write=False)

    assert_mnist_form(normalise(picture).image)


def test_without_preprocessing_an_image_passes_unchanged():
    image = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)

    result = unchanged(image)

    assert np.array_equal(result.image, image)
    assert not result.blank


def test_without_preprocessing_a_flat_image_is_blank():
    assert unchanged(np.zeros((28, 28), np.uint8)).blank


@pytest.mark.parametrize("shape", [(27, 28), (28, 29), (200, 200)])
def test_without_preprocessing_another_size_is_refused(shape):
    with pytest.raises(UnreadableImage, match="28 x 28"):
        unchanged(np.zeros(shape, np.uint8))


@pytest.mark.parametrize(("ink", "paper"), [(0, 255), (230, 40)])
@pytest.mark.parametrize(("side", "size"), [(28, 0.6), (100, 2), (250, 3), (1000, 2)])
def test_the_box_is_that_of_the_ink_on_the_picture(side, size, ink, paper):
    picture = written("4", side=side, size=size, ink=ink, paper=paper, at=(0.2, 0.75))

    found = normalise(picture)

    drawn = ink_box(np.abs(picture.astype(int) - paper) > abs(ink - paper) / 2)
    assert found.box == pytest.approx(drawn, abs=2 + 2 * -(-side // 100))
    assert found.size == (side, side)
    assert (found.polarity, found.paper) == ("dark" if ink < paper else "light", "plain")


def test_the_box_and_polarity_of_an_image_in_the_form_of_mnist():
    image = mnist_like()

    found, inverse = normalise(image), normalise(~image)

    assert found.box == inverse.box == ink_box(image)
    assert (found.polarity, inverse.polarity) == ("light", "dark")


def angle(pen, side=100, size=70, ink=0, paper=255):
    """A picture [side, side] with two strokes of `pen` pixels, in a square of `size` pixels."""
    picture = np.full((side, side), paper, np.uint8)
    start = (side - size) // 2
    corners = start + size * np.array([(0, 0), (0.7, 0), (0.2, 1)])
    cv2.polylines(picture, [corners.astype(int)], False, ink, pen, cv2.LINE_AA)
    return picture


@pytest.mark.parametrize("share", [0.05, 0.1, 0.15])
@pytest.mark.parametrize(("side", "size"), [(60, 42), (100, 70), (1200, 800), (1200, 150)])
@pytest.mark.parametrize(("ink", "paper"), [(40, 240), (255, 55)])
def test_the_ink_is_measured_on_the_picture(share, side, size, ink, paper):
    pen = round(share * size)

    found = normalise(angle(pen, side, size, ink, paper))

    assert found.ink.height == found.box[3] == pytest.approx(size + pen, rel=0.1)
    assert found.ink.contrast == pytest.approx(200, abs=2)
    assert found.ink.stroke == pytest.approx(pen, rel=0.35)


def test_an_image_in_the_form_of_mnist_is_measured_as_it_is():
    thin, bold = (normalise(angle(pen)).image for pen in (6, 16))

    assert normalise(thin).ink[:2] == normalise(~thin).ink[:2] == (20, 255)
    assert normalise(thin).ink.stroke < normalise(bold).ink.stroke


def test_without_ink_there_is_no_box():
    found = normalise(np.full((90, 120), 200, np.uint8))

    assert (found.box, found.polarity, found.size) == (None, None, (120, 90))


def test_two_digits_side_by_side_are_several():
    one = written("7")

    assert not normalise(one).several
    assert normalise(np.hstack([one, one])).several


def test_digits_are_several_if_a_line_under_them_joins_them_or_not():
    underlined = np.full((120, 160), 255, np.uint8)
    cv2.putText(underlined, "18", (40, 70), cv2.FONT_HERSHEY_SIMPLEX, 1.5, 0, 4, cv2.LINE_AA)
    cv2.line(underlined, (30, 105), (120, 100), 0, 4)
    joined = cv2.putText(
        np.full((60, 160), 255, np.uint8), "115", (20, 48), cv2.FONT_HERSHEY_SIMPLEX, 1.3, 0, 3
    )
    cv2.line(joined, (10, 48), (120, 48), 0, 3)

    assert normalise(underlined).several
    assert normalise(joined).several


def test_a_digit_in_two_strokes_is_one():
    page = np.full((120, 100), 255, np.uint8)
    cv2.line(page, (30, 20), (70, 20), 0, 5)
    cv2.ellipse(page, (50, 70), (25, 30), 0, -120, 100, 0, 5)

    assert not normalise(page).several


@pytest.mark.parametrize("lines", [["7", "7"], ["3", "8", "5"], ["000", "111", "222", "333"]])
def test_digits_one_above_the_other_are_several(lines):
    page = np.full((100 + 90 * len(lines), 300), 255, np.uint8)
    for index, line in enumerate(lines):
        place = (60, 90 * (index + 1))
        cv2.putText(page, line, place, cv2.FONT_HERSHEY_SIMPLEX, 2, 0, 6, cv2.LINE_AA)

    assert normalise(page).several
