"""Constraints that contradict themselves are refused where they are made."""

import pytest

from models.fields.constraints import START, Checksum, Constraints


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"length": 0}, "length is 0; it must be from 1 to 256"),
        ({"length": 257}, "length is 257"),
        ({"min_length": 0}, "min_length is 0"),
        ({"max_length": 0}, "max_length is 0"),
        ({"min_length": 6, "max_length": 5}, "min_length 6, max_length 5 contradict each other"),
        ({"length": 5, "min_length": 6}, "length 5, min_length 6 contradict"),
        ({"length": 5, "max_length": 4}, "length 5, max_length 4 contradict"),
        ({"checksum": Checksum.ABA, "length": 8}, "checksum aba needs 9 digits, which length 8"),
        ({"checksum": Checksum.ABA, "min_length": 10}, "aba needs 9 digits"),
        ({"checksum": Checksum.ABA, "max_length": 8}, "aba needs 9 digits"),
    ],
)
def test_constraints_that_no_text_satisfies_are_refused(given, told):
    with pytest.raises(ValueError, match=told):
        Constraints(**given)


@pytest.mark.parametrize(
    ("checksum", "text", "holds"),
    [
        (Checksum.LUHN, "79927398713", True),
        (Checksum.LUHN, "79927398710", False),
        (Checksum.LUHN, "4539578763621486", True),
        (Checksum.LUHN, "4539578763621487", False),
        (Checksum.ABA, "021000021", True),
        (Checksum.ABA, "011000015", True),
        (Checksum.ABA, "121000248", True),
        (Checksum.ABA, "800000006", True),
        (Checksum.ABA, "130000006", False),
        (Checksum.ABA, "200000004", False),
        (Checksum.ABA, "730000008", False),
        (Checksum.ABA, "000000000", False),
        (Checksum.LUHN, "0000", False),
        (Checksum.LUHN, "00000", False),
    ],
)
def test_checksums_hold_for_published_numbers_and_no_others(checksum, text, holds):
    assert read(Constraints(checksum=checksum), text) is holds


def test_a_routing_number_ends_with_its_check_digit():
    constraints = Constraints(checksum=Checksum.ABA)
    assert not read(constraints, "02100002")
    assert not read(constraints, "021000022")
    assert not read(constraints, "0210000210")


def test_a_checksum_needs_a_digit():
    assert not Constraints(checksum=Checksum.LUHN).hold(START)


def read(constraints, text):
    state = START
    for digit in text:
        state = constraints.extend(state, int(digit))
        if state is None:
            return False
    return constraints.hold(state)
