"""Constraints on a field: number of digits and checksum.

>>> constraints = Constraints(length=9, checksum=Checksum.ABA)
>>> state = constraints.extend(START, 0)  # None if no valid field starts with these digits
"""

from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple

from models.strips import MAX_WIDTH, STRIDE

LONGEST = MAX_WIDTH // STRIDE  # digits; a strip has at most so many steps
_LENGTHS = ("length", "min_length", "max_length")
_ABA_LENGTH = 9
_ABA_WEIGHTS = (3, 7, 1)
# First two digits: US government, Federal Reserve banks, thrifts, electronic, traveller's cheques.
_ABA_PREFIXES = frozenset((*range(13), *range(21, 33), *range(61, 73), 80))


class Checksum(StrEnum):
    """Rule for the check digit."""

    LUHN = "luhn"  # card numbers and many account numbers: ISO/IEC 7812-1
    ABA = "aba"  # routing numbers of US banks, nine digits


class State(NamedTuple):
    """State of the constraints after some digits.

    The Luhn sum doubles every second digit from the right. From the left it is unknown which these
    are until the length is known, so there is a sum for each case.
    """

    digits: int = 0
    even: int = 0  # modulo 10; the first, third, ... digits are doubled; the only sum for ABA
    odd: int = 0  # modulo 10; the second, fourth, ... digits are doubled
    zeros: bool = True  # no other digits; their sums hold, but no number consists of zeros


START = State()


@dataclass(frozen=True)
class Constraints:
    """Allowed lengths and checksum of a text; None for any.

    Raises:
        ValueError: no text can satisfy them, or a length is out of range.
    """

    length: int | None = None
    min_length: int | None = None
    max_length: int | None = None
    checksum: Checksum | None = None

    def __post_init__(self) -> None:
        for name in _LENGTHS:
            _check_bounds(name, getattr(self, name))
        if self.shortest > self.longest:
            raise ValueError(f"{self._lengths()} contradict each other; omit one of them")
        if self.checksum is Checksum.ABA and not self.shortest <= _ABA_LENGTH <= self.longest:
            raise ValueError(
                f"checksum aba needs {_ABA_LENGTH} digits, which {self._lengths()} excludes;"
                " omit the length"
            )

    @property
    def shortest(self) -> int:
        """Minimum number of digits; at least one with a checksum."""
        given = [n for n in (self.length, self.min_length) if n is not None]
        return max(given, default=0 if self.checksum is None else 1)

    @property
    def longest(self) -> int:
        """Maximum number of digits."""
        given = [n for n in (self.length, self.max_length) if n is not None]
        return min(given, default=LONGEST)

    @cached_property
    def are_none(self) -> bool:
        """Whether every text satisfies them."""
        return self == Constraints()

    def extend(self, state: State, digit: int) -> State | None:
        """Return the state after another `digit`; None if no valid text starts like this."""
        count = state.digits + 1
        if count > self._most:
            return None
        if self.checksum is None:
            return State(count)
        zeros = state.zeros and digit == 0
        if self.checksum is Checksum.ABA:
            # The first digit is its sum times 7, modulo 10.
            if count == 2 and 10 * (7 * state.even % 10) + digit not in _ABA_PREFIXES:
                return None
            weight = _ABA_WEIGHTS[state.digits % len(_ABA_WEIGHTS)]
            longer = State(count, (state.even + weight * digit) % 10, 0, zeros)
        else:
            doubled = 2 * digit if digit < 5 else 2 * digit - 9
            first, second = (digit, doubled) if state.digits % 2 else (doubled, digit)
            longer = State(count, (state.even + first) % 10, (state.odd + second) % 10, zeros)
        return None if count == self._most and not self._sum_holds(longer) else longer

    def allow(self, digits: int) -> bool:
        """Return whether a text may have so many digits."""
        return self._least <= digits <= self._most

    def missing(self, state: State) -> int:
        """Return the minimum number of digits that must follow."""
        return max(0, self._least - state.digits)

    def hold(self, state: State) -> bool:
        """Return whether a text that ends in `state` satisfies them."""
        return self.allow(state.digits) and self._sum_holds(state)

    @cached_property
    def _least(self) -> int:
        return _ABA_LENGTH if self.checksum is Checksum.ABA else self.shortest

    @cached_property
    def _most(self) -> int:
        return _ABA_LENGTH if self.checksum is Checksum.ABA else self.longest

    def _sum_holds(self, state: State) -> bool:
        if self.checksum is None:
            return True
        if self.checksum is Checksum.LUHN and state.digits % 2:
            # The check digit is not doubled, so with an even count the first digit is.
            return state.odd == 0 and not state.zeros
        return state.even == 0 and not state.zeros

    def _lengths(self) -> str:
        given = {n: getattr(self, n) for n in _LENGTHS}
        return ", ".join(f"{name} {value}" for name, value in given.items() if value is not None)


def _check_bounds(name: str, value: int | None) -> None:
    if value is not None and not 1 <= value <= LONGEST:
        raise ValueError(f"{name} is {value}; it must be from 1 to {LONGEST}")
