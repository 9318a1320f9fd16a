"""The decoder against the sum over all paths, and what constraints do inside the search."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.fields.alignment import align
from models.fields.constraints import Checksum, Constraints
from models.fields.decode import decode
from models.fields.steps import shorten
from models.strips import CLASSES, DIGITS, SYMBOLS
from tests.strips import log_probabilities as strip

_STEPS = 3
_PATHS = np.array(list(product(range(CLASSES), repeat=_STEPS)))


def said_by(path):
    kept = [p for place, p in enumerate(path) if p and (not place or p != path[place - 1])]
    return "".join(SYMBOLS[p - 1] for p in kept)


_TEXTS = np.array([said_by(path).strip(".,-=#") for path in _PATHS])
_TEXTS = np.array(["".join(s for s in text if s in DIGITS) for text in _TEXTS])


logits = arrays(np.float32, (_STEPS, CLASSES), elements=st.floats(-3, 3, width=32))
lengths = st.builds(Constraints, length=st.integers(1, 3))
checksums = st.builds(Constraints, checksum=st.just(Checksum.LUHN))


@given(logits, st.one_of(st.just(Constraints()), lengths, checksums))
@settings(max_examples=60, deadline=None)
def test_the_best_texts_have_the_sum_over_all_their_paths(logits, constraints):
    log_probabilities = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    of_paths = np.exp(log_probabilities[np.arange(_STEPS), _PATHS].sum(axis=1, dtype=np.float64))
    texts, places = np.unique(_TEXTS, return_inverse=True)
    sums = {
        text: probability
        for text, probability in zip(texts, np.bincount(places, of_paths), strict=True)
        if holds(constraints, text)
    }

    found = decode(log_probabilities, constraints, beams=5000)

    expected = sorted(sums.values(), reverse=True)[: len(found)]
    assert [h.probability for h in found] == pytest.approx(expected, rel=1e-5)
    assert [sums[h.text] for h in found] == pytest.approx(expected, rel=1e-5)


# Seven steps of a blank and two digits, in some of which a digit is impossible.
_WALKS = np.array(list(product(range(3), repeat=7)))
_WALKED = np.array([said_by(walk) for walk in _WALKS])
sharp = arrays(np.float64, (7, 3), elements=st.floats(0.02, 1)).map(lambda values: values**5)


def of_walks(values):
    probabilities = np.full((len(values), CLASSES), 1e-30)
    probabilities[:, :3] = values / values.sum(axis=1, keepdims=True)
    of_each = probabilities[np.arange(len(values)), _WALKS].prod(axis=1)
    return np.log(probabilities).astype(np.float32), of_each


@given(sharp)
@settings(max_examples=100, deadline=None)
def test_steps_without_a_digit_change_no_probability(values):
    log_probabilities, of_each = of_walks(values)

    found = decode(log_probabilities, Constraints(), beams=5000)

    sums = [of_each[hypothesis.text == _WALKED].sum() for hypothesis in found]
    assert [h.probability for h in found] == pytest.approx(sums, abs=1e-3)
    places = np.unique(_WALKED, return_inverse=True)[1]
    assert sums[0] == pytest.approx(np.bincount(places, of_each).max(), abs=1e-3)


@given(sharp, st.sampled_from(["0", "1", "01", "110", "0110"]))
@settings(max_examples=100, deadline=None)
def test_the_spans_of_a_text_are_those_of_its_best_path(values, text):
    log_probabilities, of_each = of_walks(values)

    spans = align(shorten(log_probabilities, 0.0), text)

    walk = np.zeros(len(values), int)
    for digit, (first, last) in zip(text, spans, strict=True):
        walk[first : last + 1] = 1 + int(digit)
    of_spans = np.exp(log_probabilities[np.arange(len(walk)), walk].sum(dtype=np.float64))
    assert of_spans == pytest.approx(of_each[text == _WALKED].max(), rel=1e-4)


def holds(constraints, text):
    if constraints.checksum is Checksum.LUHN:
        digits = [int(d) for d in reversed(text)]
        doubled = [sum(divmod(2 * d, 10)) for d in digits[1::2]]
        return bool(text.strip("0")) and (sum(digits[::2]) + sum(doubled)) % 10 == 0
    return constraints.length is None or len(text) == constraints.length


def test_variants_of_separators_are_one_text_with_the_sum_of_their_probabilities():
    log_probabilities = strip("1", ".,", "8", " ", "0", certainty=1 - 1e-7)

    best, *others = decode(log_probabilities, Constraints())

    assert (best.text, best.raw) == ("180", "1.80")
    assert best.probability == pytest.approx(1, abs=1e-4)
    assert not others


def test_separators_at_the_ends_are_raw_only():
    best = decode(strip("#", " ", "7", "-"), Constraints())[0]
    assert (best.text, best.raw) == ("7", "#7-")


def test_a_digit_that_is_left_out_leaves_no_separator():
    log_probabilities = strip("1", "7-", "8", certainty=0.99)
    assert decode(log_probabilities, Constraints(length=2))[0].raw == "18"


def test_a_repeated_digit_needs_something_between():
    assert decode(strip("3", "3"), Constraints())[0].text == "3"
    assert decode(strip("3", " ", "3"), Constraints())[0].text == "33"
    assert decode(strip("3", "-", "3"), Constraints())[0].text == "33"


def test_spans_are_the_first_and_last_step_of_each_digit():
    best = decode(strip(" ", "1", "1", " ", "8", "0", " "), Constraints())[0]

    assert best.text == "180"
    assert best.spans == ((1, 2), (4, 4), (5, 5))
    assert all(0.85 < p < 1 for p in best.digit_probabilities)


def test_alternatives_come_after_the_best_and_are_no_more_than_asked():
    log_probabilities = strip("17", " ", "8", " ", "06")

    found = decode(log_probabilities, Constraints(), alternatives=2)

    assert found[0].text == "180"
    assert {found[1].text, found[2].text} == {"780", "186"}
    assert found[0].probability > found[1].probability >= found[2].probability


def test_a_strip_of_blanks_says_nothing():
    best = decode(strip(" ", " ", certainty=0.999999), Constraints())[0]
    assert (best.text, best.raw, best.spans) == ("", "", ())


def test_a_strip_full_of_digits_is_read_to_its_end():
    text = "0123456789" * 12
    says = [says for digit in text for says in (digit, " ")]
    assert decode(strip(*says, certainty=1 - 1e-6), Constraints())[0].text == text


def test_no_text_satisfies_more_digits_than_steps():
    assert decode(strip("1", "2"), Constraints(length=3)) == []


@pytest.mark.parametrize(
    ("constraints", "text"),
    [
        (Constraints(), "180"),
        (Constraints(length=2), "10"),
        (Constraints(max_length=2), "10"),
        (Constraints(length=4), "1805"),
        (Constraints(min_length=4), "1805"),
    ],
)
def test_a_length_changes_what_is_read(constraints, text):
    log_probabilities = strip("1", " ", "8 ", " ", "0", " ", " 5")
    assert decode(log_probabilities, constraints)[0].text == text


def test_a_length_is_met_though_the_missing_digit_is_most_unlikely():
    certain = strip("1", " ", " ", " ", "8", certainty=1 - 1e-4)
    found = decode(certain, Constraints(length=3))
    assert len(found[0].text) == 3


def test_a_luhn_number_is_corrected_where_a_digit_is_open():
    # 79927398713 is the example of ISO/IEC 7812-1's annex.
    says = [s for digit in "79927398713" for s in (digit, " ")]
    says[4] = "12"  # reads 1 rather than the third digit, 9, and 2 second
    says[20] = "83"
    found = decode(strip(*says), Constraints(checksum=Checksum.LUHN))
    assert all(holds(Constraints(checksum=Checksum.LUHN), h.text) for h in found)

    says[4] = "19"
    says[20] = "3"
    assert decode(strip(*says), Constraints(checksum=Checksum.LUHN))[0].text == "79927398713"


def test_a_routing_number_is_corrected_where_two_digits_are_open():
    # 021000021 is JPMorgan Chase's.
    says = [s for digit in "021000021" for s in (digit, " ")]
    says[2], says[14] = "72", "92"
    assert decode(strip(*says), Constraints())[0].text == "071000091"
    assert decode(strip(*says), Constraints(checksum=Checksum.ABA))[0].text == "021000021"


def test_what_satisfies_a_checksum_survives_a_narrow_beam():
    says = [s for _ in range(9) for s in ("03", " ")]

    found = decode(strip(*says, certainty=0.999), Constraints(checksum=Checksum.ABA), beams=2)

    weights = (3, 7, 1) * 3
    assert found
    assert all(
        sum(w * int(d) for w, d in zip(weights, h.text, strict=True)) % 10 == 0 for h in found
    )
