"""Amounts, ZIP codes and dates, from the symbols of a field.

>>> Notation("amount").readings("1,250.00")
(Amount(units=1250, cents=0),)
>>> Notation("amount").readings("1.250")
(Amount(units=1250, cents=0), Amount(units=1, cents=25))
"""

import re
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

if TYPE_CHECKING:  # it imports OpenCV, which is slow
    from models.fields.constraints import Constraints

# Signs at the ends fill the box, as in `***125-`. A dash or point before the digits can mean more.
_BEFORE, _AFTER = "=#$* ", "-=#$* "

# The cents are as long as possible: two digits in `12575/100`, which has no gap.
_HUNDREDTHS = re.compile(r"(.*?)([-=.,_ ]{0,2})([0-9]{1,2}|x+)/(?:100|x+)")
_SET_OFF = re.compile(r"(.*?)([-=., ]?_|[-=])([0-9]{2})")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}(?:([.,])[0-9]{3}(?:\1[0-9]{3})*)")
_GAP_BEFORE_TWO = re.compile(r"([0-9 ]+) ([0-9]{2})")
_TWO_ALONE = re.compile(r"[*#=]?([0-9]{2})")

# Larger numbers are not exact in JavaScript, nor in any program that reads JSON as floats.
_MOST_DIGITS = 15
_ZIP = re.compile(r"([0-9]{5})-?([0-9]{4})?")
_DATE = re.compile(r"([0-9]+)([-/.])([0-9]+)\2([0-9]+)")
_PIVOT = 69  # as POSIX has it: 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068


Format = Literal["amount", "zip", "date"]
DecimalMark = Literal[".", ","]
Order = Literal["dmy", "mdy", "ymd"]  # of day, month and year

# How many digits may be written; an amount has its cents and their 100 too.
_DIGITS: dict[Format, tuple[int, ...]] = {
    "amount": tuple(range(1, _MOST_DIGITS + 6)),
    "zip": (5, 9),
    "date": tuple(range(4, 9)),
}


class Amount(NamedTuple):
    """An amount of money; as a string `125.75`."""

    units: int
    cents: int

    def __str__(self) -> str:
        return f"{self.units}.{self.cents:02}"


# An amount, the digits of a ZIP code, or a date as ISO 8601 has it.
Value = Amount | str


@dataclass(frozen=True)
class Notation:
    """What is known about the meaning of a field; None for nothing.

    Attributes:
        format: what is written.
        decimal: the decimal mark of amounts, where `1.250` could be either.
        order: the order of dates.
        expected: the amount that another source has, as `125.75`.

    Raises:
        ValueError: an attribute belongs to another format.
    """

    format: Format | None = None
    decimal: DecimalMark | None = None
    order: Order | None = None
    expected: str | None = None

    def __post_init__(self) -> None:
        owners = {"decimal": "amount", "order": "date", "expected": "amount"}
        for name, owner in owners.items():
            if getattr(self, name) is not None and self.format != owner:
                raise ValueError(f"{name} requires format={owner}")
        if self.expected is not None and not re.fullmatch(EXPECTED, self.expected):
            raise ValueError(f"expected is {self.expected!r}; it must be an amount such as 125.75")

    def require_possible(self, constraints: "Constraints") -> None:
        """Raise ValueError if nothing in this format satisfies `constraints`."""
        if self.format and not any(map(constraints.allow, _DIGITS[self.format])):
            raise ValueError(
                f"format {self.format} and the length or checksum contradict each other; omit one"
            )

    def readings(self, written: str) -> tuple[Value | None, ...]:
        """Return what `written` can mean, () for nothing; None is an amount with parts of a cent.

        Args:
            written: symbols of the reader, and a space for a wide gap between digits.
        """
        bare = written.lstrip(_BEFORE).rstrip(_AFTER)
        if self.format == "amount":
            readings = _amounts(bare, self.decimal)
            return tuple(dict.fromkeys(readings + _cents_alone(written)))
        bare = bare.replace(" ", "").replace(",", ".").rstrip("-.")
        if self.format == "date":
            return _dates(bare, self.order)
        match = _ZIP.fullmatch(bare)
        return ("".join(match.groups("")),) if match else ()

    def matches(self, value: Value | None) -> bool | None:
        """Return whether `value` is the expected amount; None if none is expected."""
        if self.expected is None:
            return None
        units, _, cents = self.expected.partition(".")
        return value == Amount(int(units), int(cents.ljust(2, "0")))


EXPECTED = rf"^[0-9]{{1,{_MOST_DIGITS}}}(\.[0-9]{{1,2}})?$"
ANY = Notation()


def _amounts(written: str, decimal: DecimalMark | None) -> tuple[Amount | None, ...]:
    before, slash, below = written.partition("/")
    fraction = before + slash + below.replace(" ", "").rstrip(".,")
    match = _HUNDREDTHS.fullmatch(fraction) or _SET_OFF.fullmatch(fraction)
    if match is None:
        return _plain(written, decimal)
    units, mark, cents = match.groups()
    if not units:
        return (Amount(0, _cents(cents)),) if mark in ("", "_") else ()
    whole = _whole(units)
    if whole is None:
        return ()
    readings = [Amount(whole, _cents(cents))]
    if mark == " " and len(cents) == 1 and cents.isdigit():
        # The gap may be within a number of hundredths.
        readings.append(Amount(whole // 10, 10 * (whole % 10) + int(cents)))
    return tuple(readings)


def _cents_alone(written: str) -> tuple[Amount, ...]:
    """Read two digits as cents: the point before them, or the line below, may be overlooked."""
    match = _TWO_ALONE.fullmatch(written)
    return (Amount(0, int(match[1])),) if match else ()


def _plain(marked: str, decimal: DecimalMark | None) -> tuple[Amount | None, ...]:
    """Read an amount without a fraction."""
    written = marked.rstrip("-.,")
    *head, last = re.split("[.,]", written)
    if not head:
        whole = _whole(written)
        gap = _GAP_BEFORE_TWO.fullmatch(written)
        if whole is None or gap is None:
            return () if whole is None else (Amount(whole, 0),)
        # A point can be missing in the gap.
        return Amount(int(gap[1].replace(" ", "")), int(gap[2])), Amount(whole, 0)
    before, mark, last = written[: -1 - len(last)], written[-1 - len(last)], last.replace(" ", "")
    readings: dict[bool, Amount | None] = {}  # by whether the last mark is the decimal one
    # A point and a comma are easily confused, so different ones may both separate thousands.
    whole = _whole(re.sub("[.,]", mark, written))
    if whole is not None:
        readings[False] = Amount(whole, 0)
    units = _whole(before) if before else 0
    has_cents = len(last) == 2 or (len(last) == 3 and mark not in before)
    if units is not None and has_cents and last.isdigit():
        readings[True] = Amount(units, int(last[:2])) if last[2:] in ("", "0") else None
    # After the decimal mark of `1.250.-` nothing is written.
    is_whole = marked != written
    if len(readings) == 2 and (is_whole or decimal is not None):
        return (readings[not is_whole and mark == decimal],)
    return tuple(readings.values())


def _whole(written: str) -> int | None:
    digits = written.replace(" ", "")
    if not digits.isdigit():
        if not _GROUPED.fullmatch(digits):
            return None
        digits = re.sub("[.,]", "", digits)
    return int(digits) if len(digits) <= _MOST_DIGITS else None


def _cents(written: str) -> int:
    return 0 if written.startswith("x") else int(written)


def _dates(written: str, order: Order | None) -> tuple[str, ...]:
    match = _DATE.fullmatch(written)
    if not match and not re.fullmatch("[0-9]{6}|[0-9]{8}", written):
        return ()
    found: dict[str, None] = {}
    for each in get_args(Order) if order is None else (order,):
        if match:
            pieces = dict(zip(each, match.group(1, 3, 4), strict=True))
        else:
            rest = iter(written)
            lengths = {"d": 2, "m": 2, "y": len(written) - 4}
            pieces = {name: "".join(islice(rest, lengths[name])) for name in each}
        # An impossible date is no hint that the writer begins with a year of two digits.
        is_hint = order is not None or each != "ymd" or len(pieces["y"]) == 4 or found
        if (day := _date(**pieces)) and is_hint:
            found[day] = None
    return tuple(found)


def _date(d: str, m: str, y: str) -> str | None:
    if len(y) not in (2, 4) or len(d) > 2 or len(m) > 2:
        return None
    year = int(y)
    if len(y) == 2:
        year += 1900 if year >= _PIVOT else 2000
    try:
        return date(year, int(m), int(d)).isoformat() if year >= 1000 else None
    except ValueError:
        return None
