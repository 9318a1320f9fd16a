"""Texts of fields: amounts, fractions, dates, ZIP codes, account numbers, plain numbers.

A space is wider than a gap between digits; `label` removes it.
"""

from itertools import pairwise

from models.strips import DIGITS, SYMBOLS
from training.reader.ink import Random

LONGEST = 12  # digits


def label(text: str) -> str:
    """Return the label of `text`: without spaces."""
    return "".join(symbol for symbol in text if symbol in SYMBOLS)


def only_digits(text: str) -> str:
    """Return `text` without separators."""
    return "".join(symbol for symbol in text if symbol in DIGITS)


def steps_needed(text: str) -> int:
    """Return the minimum of steps for `text`: a blank must separate equal neighbours."""
    return len(text) + sum(a == b for a, b in pairwise(text))


def text(random: Random) -> str:
    """Draw a text of 1 to 12 digits, often formatted like an amount or a code."""
    return _KINDS[random.integers(len(_KINDS))](random)


def signed_text(random: Random) -> str:
    """Draw a text with a slash, with cents raised over a line, or with signs or letters."""
    return _SIGNED[random.integers(len(_SIGNED))](random)


def digits(count: int, random: Random) -> str:
    """Draw `count` digits, sometimes with a repeated one at the end, as in round amounts."""
    drawn = random.integers(10, size=count)
    if count > 2 and random.random() < 0.15:
        drawn[-int(random.integers(2, count)) :] = 0 if random.random() < 0.6 else drawn[-1]
    return "".join(DIGITS[digit] for digit in drawn)


def _number(random: Random) -> str:
    return digits(int(random.integers(1, LONGEST + 1)), random)


def _zip_code(random: Random) -> str:
    code = digits(5, random)
    return f"{code}-{digits(4, random)}" if random.random() < 0.12 else code


def _account(random: Random) -> str:
    groups = [digits(int(random.integers(1, 5)), random) for _ in range(random.integers(2, 4))]
    return ("-" if random.random() < 0.6 else ".").join(groups)


def _amount(random: Random) -> str:
    whole = digits(int(random.choice((1, 2, 3, 4, 5, 6, 7), p=_AMOUNT_LENGTHS)), random)
    point, comma = (".", ",") if random.random() < 0.75 else (",", ".")
    if len(whole) > 3 and random.random() < 0.7:
        whole = f"{whole[:-3]}{point}{whole[-3:]}"
    if random.random() < 0.2:
        whole += comma + digits(2, random)
    return _pick(_BEFORE, random) + whole + _pick(_AFTER, random)


def _cents_over_slash(random: Random) -> str:
    cents = "xx" if random.random() < 0.08 else digits(2, random)
    below = "100" if random.random() < 0.6 else "xx"
    before = _pick(("-", " ", "."), random)
    whole = f"{_whole(random)}{before}" if random.random() < 0.8 else ""
    return f"{whole}{cents}/{below}"


def _raised_cents(random: Random) -> str:
    return _pick(("$", "$", "*", "*"), random) + f"{_whole(random)}_{digits(2, random)}"


def _slashed(random: Random) -> str:
    """Draw a date, or any numbers over each other."""
    kind = random.random()
    if kind < 0.5:
        day, month = random.integers(1, 32), random.integers(1, 13)
        year = random.choice(("", f"/{digits(2, random)}", f"/20{digits(2, random)}"))
        padded = random.random() < 0.5
        return f"{day:02}/{month:02}{year}" if padded else f"{day}/{month}{year}"
    first, second = (digits(int(random.integers(1, 5)), random) for _ in range(2))
    return f"{first}/{second}"


def _decorated(random: Random) -> str:
    kind = random.random()
    if kind < 0.4:
        before = random.choice(("*", "*", "**", "***", "$", "$ ", "*$", "x"))
        return before + _amount(random) + random.choice(("", "*", "**", "-", "*-"))
    number = digits(int(random.integers(1, 6)), random)
    if kind < 0.7:
        return number + " " * int(random.random() < 0.5) + int(random.integers(1, 8)) * "x"
    if kind < 0.85:
        return number + "*" + digits(int(random.integers(1, 4)), random)
    return number + "x" + digits(int(random.integers(0, 4)), random)


def _whole(random: Random) -> str:
    whole = digits(int(random.integers(1, 6)), random)
    comma = len(whole) > 3 and random.random() < 0.4
    return f"{whole[:-3]},{whole[-3:]}" if comma else whole


def _pick(marks: tuple[str, ...], random: Random) -> str:
    return marks[random.integers(len(marks))] if random.random() < 0.5 else ""


_AMOUNT_LENGTHS = (0.04, 0.06, 0.2, 0.25, 0.27, 0.12, 0.06)
_BEFORE = ("#", "$", "$", "=", "-", "*", "")
_AFTER = (".", "-", ".-", "=", ".=", "#", "*", "-", ".", ",-")
_SIGNED = (
    *(_cents_over_slash, _cents_over_slash, _cents_over_slash),
    *(_raised_cents, _slashed, _slashed, _decorated, _decorated),
)
_KINDS = (_number, _number, _zip_code, _zip_code, _account, _amount, _amount, _amount)
