"""Decisions about fields that hold more than digits, on probabilities that a test writes."""

import numpy as np
import pytest

from models.fields.constraints import Constraints
from models.fields.formats import Notation
from models.strips import HEIGHT, PAPER, STRIDE, Strip
from service.imaging import SeenStrip
from service.inference.field_answers import answer_of
from tests.strips import bars_card, log_probabilities

PLAIN, AMOUNT, ZIP = Notation(), Notation("amount"), Notation("zip")


def answer(written, notation=PLAIN, certainty=1 - 1e-6):
    """Decide on `written`, a string or a list of what shares each step; blanks between them."""
    says = [said for symbol in written for said in (symbol, " ")]
    scores = log_probabilities(*says, certainty=certainty)
    pixels = np.full((HEIGHT, STRIDE * len(says)), PAPER, np.uint8)
    seen = SeenStrip(Strip(pixels, 1.0, 0), 0, 0, pixels.shape)
    return answer_of(scores, seen, bars_card(), Constraints(), 0.9, notation=notation)


@pytest.mark.parametrize("written", ["00/100", "12/5", "125-75/100", "3/26", "125_75", "/125"])
def test_a_fraction_has_no_text_and_is_reviewed(written):
    found = answer(written)

    assert (found.text, found.raw, found.confidence) == (None, written, 0)
    assert (found.decision, found.reasons) == ("review", ("fraction",))
    assert found.alternatives == ()


def test_a_digit_that_may_be_a_slash_is_reviewed():
    doubtful = answer(["7", "5", "1/", "1", "0", "0"])
    suspected = answer(["7", "5", " /", "1", "0", "0"])

    assert doubtful.decision == "review"
    assert {"fraction"} <= {*doubtful.reasons}
    assert (suspected.text, suspected.reasons) == ("75100", ("fraction",))


@pytest.mark.parametrize(
    ("written", "reasons"),
    [
        ("***125-", ()),
        ("$125*", ()),
        ("1*25", ("not_a_digit",)),
        ("1$25", ("not_a_digit",)),
        ("125xxx", ("not_a_digit",)),
        ("x125", ("not_a_digit",)),
    ],
)
def test_signs_are_decoration_at_the_ends_alone_and_letters_nowhere(written, reasons):
    found = answer(written)

    assert (found.text, found.raw, found.reasons) == (
        "".join(filter(str.isdigit, written)),
        written,
        reasons,
    )


@pytest.mark.parametrize(
    ("written", "text", "value"),
    [
        ("125.75", "12575", "125.75"),
        ("$1,250.00", "125000", "1250.00"),
        ("125-75/100", None, "125.75"),
        ("125xx/100", None, "125.00"),
        ("125_75", None, "125.75"),
    ],
)
def test_an_amount_is_accepted_and_a_fraction_has_no_text_all_the_same(written, text, value):
    found = answer(written, AMOUNT)

    assert (found.text, str(found.value)) == (text, value)
    assert found.digits_alone == value.replace(".", "")
    assert (found.decision, found.reasons, found.match) == ("accept", (), None)
    assert found.confidence > 0.99


def test_an_ambiguous_amount_is_reviewed_with_its_values():
    found = answer("1.250", AMOUNT)

    assert (found.text, found.value, found.reasons) == ("1250", None, ("ambiguous",))
    assert [str(each.value) for each in found.alternatives] == ["1250.00", "1.25"]
    assert str(answer("1.250", Notation("amount", ",")).value) == "1250.00"


GAP = [" "] * 4


def test_another_text_has_no_value_over_a_wide_gap():
    found = answer(["1", "2", "57", *GAP, "7", "5"], AMOUNT)

    assert "ambiguous" in found.reasons
    others = [each for each in found.alternatives if each.text != found.text]
    assert others
    assert {each.value for each in others} == {None}


def test_an_answer_without_text_and_value_has_no_confidence():
    found = answer(["5", *GAP, *"0/100"], AMOUNT)

    assert (found.text, found.value, found.confidence) == (None, None, 0)
    assert "ambiguous" in found.reasons


@pytest.mark.parametrize("gap", [" .", ". ", " /", "-/"])
def test_an_amount_needs_sure_symbols_where_others_change_it(gap):
    unsure = answer(["1", "2", "5", gap, "7", "5"], AMOUNT)

    assert unsure.decision == "review"
    assert unsure.confidence < 0.9
    assert answer(["1", "2", "5", ".,", "7", "5"], AMOUNT).decision == "accept"
    assert answer(["$ ", "1", "2", "5", "-="], AMOUNT).decision == "accept"


@pytest.mark.parametrize(
    ("written", "notation", "reasons"),
    [
        ("125.7", AMOUNT, ("no_match",)),
        ("1*25", AMOUNT, ("not_a_digit",)),
        ("125.75xx", AMOUNT, ("not_a_digit",)),
        ("9021", ZIP, ("no_match",)),
        ("90210/1234", ZIP, ("fraction",)),
        ("30/2/2026", Notation("date", order="dmy"), ("no_match",)),
    ],
)
def test_what_is_not_in_the_format_has_no_text_but_what_was_read(written, notation, reasons):
    found = answer(written, notation)

    assert (found.text, found.value, found.raw, found.reasons) == (None, None, written, reasons)
    assert found.decision == "review"
    assert found.alternatives[0].text == "".join(filter(str.isdigit, written))


def test_a_date_is_accepted_with_its_slashes():
    found = answer("26/3/2026", Notation("date"))

    assert (found.text, found.value, found.decision) == ("2632026", "2026-03-26", "accept")
    assert found.digits_alone == "20260326"


@pytest.mark.parametrize(
    ("expected", "written", "match", "reasons"),
    [
        ("125.75", "125-75/100", True, ()),
        ("125.75", "125-76/100", False, ("mismatch",)),
        ("1250", "1.250", False, ("ambiguous",)),
        ("12.5", "12.50", True, ()),
        ("125.75", "1*2", False, ("not_a_digit",)),
    ],
)
def test_another_amount_than_expected_is_reviewed(expected, written, match, reasons):
    found = answer(written, Notation("amount", expected=expected))

    assert (found.match, found.reasons) == (match, reasons)


def test_the_expected_amount_is_no_reason_to_accept():
    found = answer(["1", "2", "5", ".", "71", "5"], Notation("amount", expected="125.75"))

    assert (found.match, found.reasons) == (True, ("low_confidence",))
