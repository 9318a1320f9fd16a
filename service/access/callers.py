"""From the key that a request shows to its caller."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from hmac import compare_digest
from pathlib import Path

from service.access.counters import Counters, shared_counters
from service.access.keys import ApiKey, Role, digest, load_keys
from service.access.quotas import Meter

_BEARER = b"bearer "


@dataclass(frozen=True)
class Caller:
    """Who calls, what for, and how much at most.

    Attributes:
        name: the key's; it may stand in logs and metrics.
        roles: what the key may be used for.
        meter: counts its images; None where the key has no quota.
    """

    name: str
    roles: frozenset[Role]
    meter: Meter | None = None


@dataclass(frozen=True)
class Access:
    """Who may call; made once for all processes of a service.

    Attributes:
        keys: those that are valid; where there are none, everyone may call.
        counters: the file of `shared_counters`; without, each process counts alone.
    """

    keys: Sequence[ApiKey] = ()
    counters: Path | None = None

    @classmethod
    def from_file(cls, path: Path | None) -> "Access":
        """Access with the keys in the file at `path`, if there is one.

        Raises:
            KeysFileError: the file cannot be used.
        """
        return cls(() if path is None else load_keys(path))

    @property
    def has_quotas(self) -> bool:
        """Whether any key has a quota."""
        return any(key.quota is not None for key in self.keys)

    @contextmanager
    def shared(self, workers: int) -> Iterator["Access"]:
        """The same for several `workers`, which count together as long as the block lasts."""
        if workers == 1 or not self.has_quotas:
            yield self
            return
        with shared_counters(len(self.keys), workers) as path:
            yield replace(self, counters=path)


class Callers:
    """Knows every caller by the hash of the key."""

    def __init__(self, access: Access) -> None:
        counters = Counters(len(access.keys), access.counters)
        self._known = [
            (bytes.fromhex(key.sha256), _caller(key, place, counters))
            for place, key in enumerate(access.keys)
        ]

    def find(self, key: bytes) -> Caller | None:
        """The caller whose key it is, in the same time for whichever it is."""
        shown = digest(key)
        found = None
        for known, caller in self._known:
            if compare_digest(known, shown):
                found = caller
        return found


def key_in(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """The key in a request's `headers`: `X-API-Key`, or else `Authorization: Bearer`."""
    bearer = None
    for name, value in headers:
        if name == b"x-api-key":
            return value
        if name == b"authorization" and value[: len(_BEARER)].lower() == _BEARER:
            bearer = value[len(_BEARER) :].strip()
    return bearer


def _caller(key: ApiKey, place: int, counters: Counters) -> Caller:
    meter = None if key.quota is None else Meter(key.quota, counters, place)
    return Caller(key.name, key.role.includes, meter)
