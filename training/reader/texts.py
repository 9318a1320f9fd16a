"""Texts of fields: amounts, ZIP codes, account numbers, plain numbers.

A text can contain the unlabelled marks `$ / *`; `label` removes them.
"""

from itertools import pairwise

from models.strips import DIGITS, SYMBOLS
from training.reader.ink import Random

LONGEST = 12  # digits
UNLABELLED = "$/*"


def label(text: str) -> str:
    """Return the label of `text`: its digits and labelled separators."""
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


def plain_text(random: Random) -> str:
    """Draw a text like `text`, without slashes, which look like a 1."""
    return text(random).replace("/", "")


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


def _pick(marks: tuple[str, ...], random: Random) -> str:
    return marks[random.integers(len(marks))] if random.random() < 0.5 else ""


_AMOUNT_LENGTHS = (0.04, 0.06, 0.2, 0.25, 0.27, 0.12, 0.06)
_BEFORE = ("#", "$", "$", "=", "-", "*", "")
_AFTER = (".", "-", ".-", "=", ".=", "#", "/", "*", "-", ".", ",-")
_KINDS = (_number, _number, _zip_code, _zip_code, _account, _amount, _amount, _amount)
