"""Amounts, ZIP codes and dates in the ways that people write them."""

import contextlib
import re
from datetime import date

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.fields.constraints import Checksum, Constraints
from models.fields.formats import Notation

AMOUNTS = """
    125.75 -> 125.75        125,75 -> 125.75         1,250.00 -> 1250.00      1.250,00 -> 1250.00
    1.250.00 -> 1250.00     1,250,000 -> 1250000.00  1.250.000,50 -> 1250000.50
    125-75/100 -> 125.75    125_75/100 -> 125.75     12575/100 -> 125.75      125=75/100 -> 125.75
    125.75/100 -> 125.75    1,250-50/100 -> 1250.50  1250-50/100 -> 1250.50   125-5/100 -> 125.05
    75/100 -> 0.75          75/xx -> 0.75            00/100 -> 0.00           125-75/xx -> 125.75
    125-xx/100 -> 125.00    125xx/100 -> 125.00      125-00/100 -> 125.00     xx/100 -> 0.00
    125_75 -> 125.75        1,250_00 -> 1250.00      _75 -> 0.75              125-75 -> 125.75
    125= -> 125.00          125.- -> 125.00          125,-- -> 125.00         ***125- -> 125.00
    ***1,250.00*** -> 1250.00   $1,250.00 -> 1250.00 #125.75# -> 125.75       =125,75= -> 125.75
    12575 -> 12575.00       0125.50 -> 125.50        .75 -> 0.75              0,75 -> 0.75
    1250.000 -> 1250.00     125. -> 125.00           1.250.- -> 1250.00       #22,970.= -> 22970.00
"""
WITH_GAPS = {
    "125 75/100": ["125.75"],
    "125 75/1 00": ["125.75"],
    "1 250 75/100": ["1250.75"],
    "1 250,00": ["1250.00"],
    "12 575": ["12575.00"],
    "125 75": ["125.75", "12575.00"],
    "1250 5/100": ["1250.05", "125.05"],
}
MAYBE_CENTS = {
    "75": ["75.00", "0.75"],
    "*75": ["75.00", "0.75"],
    "00": ["0.00"],
    "$75": ["75.00"],
    "75.-": ["75.00"],
    "75=": ["75.00"],
    "075": ["75.00"],
}
NO_AMOUNTS = ("", "-125", "125.7", "1,25,000", "12.50.00", "1/2", "125/", "1*2", "125-x", "9" * 16)


def read(notation, written):
    return [str(reading) for reading in notation.readings(written)]


@pytest.mark.parametrize(("written", "value"), re.findall(r"(\S+) -> (\S+)", AMOUNTS))
def test_an_amount_has_the_value_that_a_person_reads(written, value):
    assert read(Notation("amount"), written) == [value]


@pytest.mark.parametrize(("written", "values"), WITH_GAPS.items())
def test_a_wide_gap_separates_cents_or_leaves_the_amount_open(written, values):
    assert read(Notation("amount"), written) == values


@pytest.mark.parametrize(("written", "values"), MAYBE_CENTS.items())
def test_two_digits_alone_may_be_cents_whose_point_was_overlooked(written, values):
    assert read(Notation("amount"), written) == values


@pytest.mark.parametrize(
    ("written", "point", "comma"),
    [
        ("1.250", "1.25", "1250.00"),
        ("1,250", "1250.00", "1.25"),
        ("1.255", "None", "1255.00"),
        ("1,250.000", "1250.00", "1250000.00"),
        ("125,75", "125.75", "125.75"),
    ],
)
def test_the_decimal_mark_decides_what_is_ambiguous(written, point, comma):
    assert read(Notation("amount", "."), written) == [point]
    assert read(Notation("amount", ","), written) == [comma]
    assert set(read(Notation("amount"), written)) == {point, comma}


@pytest.mark.parametrize("written", NO_AMOUNTS)
def test_what_is_no_amount_has_no_value(written):
    assert read(Notation("amount"), written) == []


@given(st.text("015.,-=#/_$*x ", max_size=10))
@example("1,--5")
@settings(max_examples=1000)
def test_any_symbols_mean_values_or_nothing(written):
    for amount in Notation("amount").readings(written):
        assert amount is None or (0 <= amount.units < 10**15 and 0 <= amount.cents < 100)
    assert all(len(code) in (5, 9) and code.isdigit() for code in read(Notation("zip"), written))
    assert all(map(date.fromisoformat, read(Notation("date"), written)))


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("90210", ["90210"]),
        ("90210-1234", ["902101234"]),
        ("#902101234-", ["902101234"]),
        ("90210 1234", ["902101234"]),
        *((wrong, []) for wrong in ("9021", "902101", "90.210", "90210/1234", "9021-01234")),
    ],
)
def test_a_zip_code_has_five_or_nine_digits(written, text):
    assert read(Notation("zip"), written) == text


@pytest.mark.parametrize(
    ("written", "order", "day"),
    [
        *((written, "dmy", "2026-03-26") for written in ("26/3/2026", "26.03.26", "260326")),
        *((written, "mdy", "2026-03-26") for written in ("3/26/2026", "3-26-26", "03262026")),
        *((written, "ymd", "2026-03-26") for written in ("2026-03-26", "20260326", "26/3/26")),
        ("3/4/26", "mdy", "2026-03-04"),
        ("26,03.70.", "dmy", "1970-03-26"),
        ("29.2.2024", "dmy", "2024-02-29"),
        ("1.1.68", "dmy", "2068-01-01"),
        ("26/3/2026", None, "2026-03-26"),
        ("20260326", None, "2026-03-26"),
    ],
)
def test_a_date_is_read_by_its_order(written, order, day):
    assert read(Notation("date", order=order), written) == [day]


@pytest.mark.parametrize(
    ("written", "order"),
    [
        ("29.2.2023", "dmy"),
        ("3/26/2026", "dmy"),
        ("30/2/26", None),
        ("3/26", "mdy"),
        ("3/26-2026", "mdy"),
        ("3262026", "mdy"),
        ("3/26/202", "mdy"),
        ("3/26/0026", "mdy"),
    ],
)
def test_an_impossible_date_is_none(written, order):
    assert read(Notation("date", order=order), written) == []


def test_a_date_that_two_orders_explain_is_ambiguous():
    assert read(Notation("date"), "3/4/2026") == ["2026-04-03", "2026-03-04"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"decimal": "."}, "decimal requires format=amount"),
        ({"format": "zip", "order": "dmy"}, "order requires format=date"),
        ({"format": "date", "expected": "1.00"}, "expected requires format=amount"),
        ({"format": "amount", "expected": "1.005"}, "an amount such as 125.75"),
    ],
)
def test_options_of_other_formats_are_refused(given, told):
    with pytest.raises(ValueError, match=told):
        Notation(**given)


@pytest.mark.parametrize(
    ("constraints", "possible"),
    [
        (Constraints(), ["amount", "zip", "date"]),
        (Constraints(length=7), ["amount", "date"]),
        (Constraints(min_length=6, max_length=8), ["amount", "date"]),
        (Constraints(max_length=3), ["amount"]),
        (Constraints(checksum=Checksum.ABA), ["amount", "zip"]),
        (Constraints(min_length=21), []),
    ],
)
def test_a_length_that_no_text_of_a_format_has_is_refused(constraints, possible):
    for name in ("amount", "zip", "date"):
        told = contextlib.nullcontext()
        if name not in possible:
            told = pytest.raises(ValueError, match=f"format {name} and the length or checksum")
        with told:
            Notation(name).require_possible(constraints)
