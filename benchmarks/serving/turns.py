"""Who is measured when: in rounds, each server once a round."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.serving.contenders import Contender
from benchmarks.serving.results import Slot


@dataclass(frozen=True)
class Turn:
    """Whose turn it is, with which model, in which round; `workers` 0 leaves the default."""

    model: str
    contender: Contender
    round: int
    workers: int
    server_cores: tuple[int, ...]
    load_cores: tuple[int, ...]

    @property
    def key(self) -> tuple[str, str, int, int]:
        """What tells it from all others."""
        return self.model, self.contender.name, self.workers, self.round

    def slot(self, **found: object) -> Slot:
        """The record of this turn."""
        return Slot(
            model=self.model,
            server=self.contender.name,
            workers=self.workers,
            round=self.round,
            **found,
        )


@dataclass(frozen=True)
class Files:
    """The Python that runs a server, and the model's file."""

    python: Path
    model: Path


@dataclass(frozen=True)
class Cores:
    """Processors of the server, and those of the load generator."""

    server: tuple[int, ...]
    load: tuple[int, ...]

    def widened(self, count: int) -> "Cores":
        """With `count` processors for the server; the load generator keeps the rest.

        Where the server takes all, they share them.
        """
        everyone = (*self.server, *(core for core in self.load if core not in self.server))
        return Cores(everyone[:count], everyone[count:] or everyone)


def parse_cores(text: str) -> tuple[int, ...]:
    """Processors as taskset writes them: `0`, `1,3`, `2-5`.

    Raises:
        ValueError: it is not such a list.
    """
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    if not found:
        raise ValueError(text)
    return tuple(dict.fromkeys(found))


def comparison(
    contenders: Sequence[Contender], rounds: Mapping[str, int], cores: Cores
) -> Iterator[Turn]:
    """A B C ..., A B C ...: so many rounds for each model, by name."""
    for model, count in rounds.items():
        for number in range(1, count + 1):
            for contender in contenders:
                yield Turn(model, contender, number, 0, cores.server, cores.load)


def scaling(
    contender: Contender, model: str, workers: Sequence[int], rounds: int, cores: Cores
) -> Iterator[Turn]:
    """One server with different numbers of workers, each on a processor of its own."""
    fewer = replace(contender, singles=contender.singles[:1])
    for number in range(1, rounds + 1):
        for count in workers:
            wide = cores.widened(count)
            yield Turn(model, fewer, number, count, wide.server, wide.load)
