"""How many pictures came to what."""

from collections import Counter
from collections.abc import Iterable
from functools import reduce
from operator import add

from pydantic import BaseModel, ConfigDict

from service.inference.decisions import Decision
from service.scoring.rows import Row


class Tally(BaseModel):
    """Counts of pictures.

    Attributes:
        accepted: that need nobody.
        reviewed: at which a person should look.
        reasons: why; a picture may have several.
        failed: that could not be read, by what is wrong.
    """

    model_config = ConfigDict(frozen=True)

    accepted: int = 0
    reviewed: int = 0
    reasons: Counter[str] = Counter()
    failed: Counter[str] = Counter()

    @property
    def pictures(self) -> int:
        """All of them."""
        return self.accepted + self.reviewed + self.failed.total()

    def __add__(self, other: "Tally") -> "Tally":
        return Tally(
            accepted=self.accepted + other.accepted,
            reviewed=self.reviewed + other.reviewed,
            reasons=self.reasons + other.reasons,
            failed=self.failed + other.failed,
        )


def tally_of(rows: Iterable[Row]) -> Tally:
    """Count `rows`."""
    decisions: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    failed: Counter[str] = Counter()
    for row in rows:
        if row["error"] is None:
            decisions[row["decision"]] += 1
            reasons.update(row["reasons"])
        else:
            failed[row["error"]] += 1
    return Tally(
        accepted=decisions[Decision.ACCEPT],
        reviewed=decisions[Decision.REVIEW],
        reasons=reasons,
        failed=failed,
    )


def total(tallies: Iterable[Tally]) -> Tally:
    """All of `tallies` together."""
    return reduce(add, tallies, Tally())
