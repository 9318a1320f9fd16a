"""Training strips of the reader: read, cropped, spliced, composed."""

from dataclasses import replace

import numpy as np
import pytest

from models.mnist import DataError
from models.strips import DIGITS, FRACTIONS, HEIGHT, SIGNS, STRIDE, SYMBOLS
from tests.amounts import write_amounts, write_cells
from tests.generated import drawn_digits
from training.reader import separators, texts
from training.reader.amounts import FOLDER, hold_out, load_amounts
from training.reader.cells import load_cells
from training.reader.ink import INK, Shape, crop, write_mnist
from training.reader.line import any_hand, write
from training.reader.nothing import nothing
from training.reader.paper import erased
from training.reader.real import cuts, part, splice
from training.reader.samples import Material, Mixture, composed, draw, empty, in_cell, tidy


@pytest.fixture(scope="module")
def amounts(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    write_amounts(folder / FOLDER)
    return load_amounts(folder)


@pytest.fixture(scope="module")
def material(amounts):
    return Material.of(drawn_digits(60, seed=1), amounts)


@pytest.fixture
def random():
    return np.random.default_rng(3)


def hand(random, **changes):
    return replace(any_hand(60, random), **{"size": 40.0, "climb": 0.0, **changes})


def ink_gaps(page):
    """Count the runs of blank columns inside the ink."""
    inked = (page > INK).any(axis=0)
    return int(np.sum(np.diff(inked.astype(int)) == 1)) - 1


def test_amounts_have_digits_with_boxes(amounts):
    first = amounts[0]

    assert first.digits == "012"
    assert len(first.boxes) == 3
    assert first.grey.dtype == np.uint8


def test_a_truncated_image_is_named(tmp_path):
    image = write_amounts(tmp_path) / "images" / "3.jpg"
    image.write_bytes(image.read_bytes()[:-200])

    with pytest.raises(DataError, match=r"3\.jpg: cannot be read .*truncated"):
        load_amounts(tmp_path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("3.jpg", "a line is not file,digits,boxes_xywh"),
        ('3.jpg,12,"1,2,3"', "a line is not file,digits,boxes_xywh"),
        ('3.jpg,12,"1,2,3,4;5,6,7,eight"', "a line is not file,digits,boxes_xywh"),
        ('3.jpg,12,"1,2,3,4"', "label '12' with 1 boxes"),
        ('3.jpg,x,"1,2,3,4"', "label 'x' with 1 boxes"),
    ],
)
def test_a_damaged_label_is_shown(tmp_path, line, message):
    labels = write_amounts(tmp_path) / "labels.csv"
    labels.write_text(f"{labels.read_text()}{line}\n")

    with pytest.raises(DataError, match=message):
        load_amounts(tmp_path)


def test_too_few_labels_are_rejected(tmp_path):
    write_amounts(tmp_path, count=2)

    with pytest.raises(DataError, match=r"labels\.csv: has only 2 amounts"):
        load_amounts(tmp_path)


def test_a_folder_without_amounts_is_named(tmp_path):
    with pytest.raises(DataError, match=r"has no orand-car-a/labels\.csv"):
        load_amounts(tmp_path)


def test_a_fifth_is_held_out_whatever_the_order(amounts):
    train, held_out = hold_out(amounts)
    again = hold_out(amounts[::-1])[1]

    assert len(held_out) == 2
    assert [amount.file for amount in again] == [amount.file for amount in held_out]
    assert not {amount.file for amount in train} & {amount.file for amount in held_out}


def test_a_part_of_an_amount_has_the_columns_of_its_digits(amounts):
    amount = amounts[2]

    second = part(amount, 1, 1)

    assert cuts(amount) == [0, 1, 2, 3, 4, 5]
    assert second.shape[1] == pytest.approx(amount.boxes[1].width, abs=4)
    assert second.min() < 90


def test_a_splice_has_the_digits_of_its_parts(amounts, random):
    known = "|".join(amount.digits for amount in amounts)

    for _ in range(20):
        strip, digits = splice(amounts, random)
        assert 1 <= len(digits) <= 8
        assert strip.shape[1] >= 10 * len(digits)
        assert strip.shape[1] <= 24 * len(digits) + 3 * 20  # columns of a digit, margin of a part
        assert set(digits) <= set(known)


def test_erased_paper_has_no_ink(amounts):
    amount = amounts[0]

    paper = erased([amount])[0]

    assert amount.grey.min() < 70
    assert paper.min() > 120


def test_a_digit_has_the_requested_size(random):
    digits = drawn_digits(10, seed=1)
    drawn_height = crop(digits.images[8]).shape[0]

    small, large = (write_mnist(digits.images[8], Shape(size)) for size in (20.0, 40.0))

    assert small.shape[0] == pytest.approx(drawn_height, abs=2)
    assert large.shape[0] == pytest.approx(2 * drawn_height, abs=3)


def test_digits_are_apart_or_touch(material, random):
    apart = write("80808", hand(random, touching=0.0, gap=0.4), 60, material.glyphs, random)
    joined = write("80808", hand(random, touching=1.0), 60, material.glyphs, random)

    assert ink_gaps(apart) >= 4
    assert ink_gaps(joined) < 4
    assert joined.shape[1] < apart.shape[1]


@pytest.mark.parametrize("symbol", SYMBOLS[len(DIGITS) :].replace("_", ""))
def test_every_symbol_is_drawn(symbol, random):
    mark = separators.draw(symbol, 30.0, 2.0, random)

    assert mark.ink.max() > 200
    assert max(mark.ink.shape) <= 60


@pytest.mark.parametrize(("text", "steps"), [("", 0), ("123", 3), ("1001", 5), ("000", 5)])
def test_equal_neighbours_need_a_blank(text, steps):
    assert texts.steps_needed(text) == steps


def test_a_composed_strip_is_labelled_with_its_separators(material, random):
    sample = composed(material, "$ 1.250,-", random)

    assert sample.text == "$1.250,-"
    assert sample.separators_labelled
    assert sample.pixels.shape[0] == HEIGHT


def test_raised_cents_are_smaller_and_end_above_the_line(material, random):
    tidy_writer = hand(random, touching=0.0, unevenness=0.0, slant=0.0, size=48.0)
    pages = [write("8_8", tidy_writer, 60, material.glyphs, random) for _ in range(20)]

    # The rows with ink in the right third, below the whole number's middle: the line, rarely more.
    inked = [(page[:, -page.shape[1] // 3 :] > INK).any(axis=1) for page in pages]
    assert np.mean([rows[:20].any() for rows in inked]) > 0.9
    assert np.mean([rows[:30].sum() > rows[40:].sum() for rows in inked]) > 0.7


def test_signed_texts_have_a_fraction_a_sign_or_a_letter(random):
    drawn = [texts.signed_text(random) for _ in range(200)]

    assert all(set(text) & set(FRACTIONS + SIGNS) for text in drawn)
    assert all(set(texts.label(text)) <= set(SYMBOLS) for text in drawn)
    assert set("".join(drawn)) >= set(FRACTIONS + SIGNS)


def test_cells_are_split_by_number_and_keep_their_separators(tmp_path):
    train, held_out = load_cells(write_cells(tmp_path / "meza").parent)

    assert [cell.file for cell in held_out] == ["4001.jpg", "4002.jpg"]
    assert [(cell.digits, cell.raw) for cell in train[2:4]] == [("36", None), ("45", "4,5")]


def test_a_cell_is_composed_with_its_label(material, random):
    samples = [in_cell(material, "12/34", random) for _ in range(20)]

    assert {sample.text for sample in samples} == {"12/34"}
    assert {sample.pixels.shape[0] for sample in samples} == {HEIGHT}


@pytest.mark.parametrize("touching", [True, False])
def test_tidy_digits_touch_or_not(material, random, touching):
    widths = [tidy(material, "8888", random, touching=touching).pixels.shape[1] for _ in range(20)]
    others = [
        tidy(material, "8888", random, touching=not touching).pixels.shape[1] for _ in range(20)
    ]

    assert (np.mean(widths) < np.mean(others)) == touching


def test_a_strip_without_digits_has_an_empty_label(material, random):
    assert empty(material, random).text == ""
    assert {bool(nothing(50, random).any()) for _ in range(30)} == {True, False}


def test_every_strip_has_enough_steps_for_its_text(material, random):
    for _ in range(60):
        sample = draw(material, Mixture(tidy=0.5), random)
        assert texts.steps_needed(sample.text) <= sample.pixels.shape[1] // STRIDE


def test_the_same_seed_draws_the_same_strips(material):
    first, second = (
        [draw(material, Mixture(), np.random.default_rng(seed)) for seed in range(8)]
        for _ in range(2)
    )

    for one, other in zip(first, second, strict=True):
        assert one.text == other.text
        np.testing.assert_array_equal(one.pixels, other.pixels)
