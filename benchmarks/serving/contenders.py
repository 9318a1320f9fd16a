"""What a server in the comparison is: how it is started, and the ways to ask it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from benchmarks.serving.answers import Digits
from benchmarks.serving.bodies import Encode

BATCH = 64


class Kind(StrEnum):
    """What a server is in the comparison."""

    NUMERAL = "numeral"
    PEER = "peer"
    CEILING = "ceiling"


@dataclass(frozen=True)
class Way:
    """One way to ask a server.

    Attributes:
        name: what is sent, for people.
        path: may hold `{model}`.
        encode: images to a body.
        digits: an answer to digits.
    """

    name: str
    path: str
    encode: Encode
    digits: Digits


@dataclass(frozen=True)
class Contender:
    """A server. Placeholders in `command` and `environment` are those of `process.Place`.

    Attributes:
        name: its key; that of its folder in `peers/`, if it has one.
        title: for people.
        setup: how it is set up, for people.
        ready: a path that answers 200 once the server is ready; empty where it is no server but a
            program that prints a measurement.
        packages: whose versions are reported; the first is the server's.
        singles: ways to send one image, the first measured at every concurrency.
        batches: ways to send 64 images.
    """

    name: str
    title: str
    kind: Kind
    setup: str
    command: tuple[str, ...]
    ready: str
    packages: tuple[str, ...]
    singles: tuple[Way, ...]
    batches: tuple[Way, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    needs_keras: bool = False

    @property
    def has_own_environment(self) -> bool:
        """Whether it runs in a virtual environment of its own."""
        return self.kind is Kind.PEER

    def ways(self) -> Iterator[tuple[Way, int]]:
        """All ways to ask it, each with the number of images in a request."""
        yield from ((way, 1) for way in self.singles)
        yield from ((way, BATCH) for way in self.batches)
