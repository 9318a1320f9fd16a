"""API keys: random, stored as hashes, one JSON line per key in a file."""

import hashlib
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    StringConstraints,
    ValidationError,
)

from models.manifest import read_regular_file
from service.auth.quotas import Meter, Quota, UsageCounters, shared_counters

_BEARER = b"bearer "


class KeysFileError(ValueError):
    """The keys file cannot be used."""


class Role(StrEnum):
    """What a key may be used for."""

    PREDICT = "predict"
    METRICS = "metrics"
    ADMIN = "admin"


class ApiKey(BaseModel):
    """A line of the keys file: everything about a key except the key itself."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    role: Role
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(repr=False)
    quota: (
        Annotated[
            Quota,
            BeforeValidator(lambda value: Quota.parse(value) if isinstance(value, str) else value),
            PlainSerializer(str),
        ]
        | None
    ) = None


@dataclass(frozen=True)
class ApiKeys:
    """The valid keys of a service, shared by its workers."""

    keys: Sequence[ApiKey] = ()  # the valid keys; if there are none, no key is required
    # File of `shared_counters`; None: each process counts quotas alone.
    counters: Path | None = None

    @classmethod
    def from_file(cls, path: Path | None) -> "ApiKeys":
        """Load the keys from the file at `path`, if any.

        Raises:
            KeysFileError: the file cannot be used.
        """
        return cls(() if path is None else load_keys(path))

    @property
    def has_quotas(self) -> bool:
        """Whether any key has a quota."""
        return any(key.quota is not None for key in self.keys)

    @contextmanager
    def shared(self, workers: int) -> Iterator["ApiKeys"]:
        """Yield keys whose quotas up to `workers` processes count together."""
        if workers == 1 or not self.has_quotas:
            yield self
            return
        with shared_counters(len(self.keys), workers) as path:
            yield replace(self, counters=path)


@dataclass(frozen=True)
class Caller:
    """The client that sent a request."""

    name: str  # name of its key; safe for logs and metrics
    role: Role  # what the key may be used for
    meter: Meter | None = None  # counts its images; None where the key has no quota

    def has(self, role: Role) -> bool:
        """Return whether the caller may do what `role` allows; `admin` allows everything."""
        return self.role in (role, Role.ADMIN)


class Authenticator:
    """Finds the caller that a key belongs to."""

    def __init__(self, api_keys: ApiKeys) -> None:
        counters = UsageCounters(len(api_keys.keys), api_keys.counters)
        self._callers = {
            key.sha256: Caller(
                key.name, key.role, Meter(key.quota, counters, index) if key.quota else None
            )
            for index, key in enumerate(api_keys.keys)
        }

    def find(self, key: bytes) -> Caller | None:
        """Return the caller with this key."""
        # How long the search takes may depend on the hash, which does not help to find the key.
        return self._callers.get(_hash(key))


def key_from(headers: Iterable[tuple[bytes, bytes]]) -> bytes | None:
    """Return the key in a request's `headers`: `X-API-Key`, or `Authorization: Bearer`."""
    bearer = None
    for name, value in headers:
        if name == b"x-api-key":
            return value
        if name == b"authorization" and value[: len(_BEARER)].lower() == _BEARER:
            bearer = value[len(_BEARER) :].strip()
    return bearer


def new_key(name: str, role: Role, quota: Quota | None = None) -> tuple[str, ApiKey]:
    """Create a key; return it and the line to store.

    Raises:
        ValidationError: the name is invalid.
    """
    # Scanners for leaked secrets recognise keys by their prefix.
    key = "numeral_" + secrets.token_urlsafe(32)
    return key, ApiKey(name=name, role=role, sha256=_hash(key.encode()), quota=quota)


def load_keys(path: Path) -> tuple[ApiKey, ...]:
    """Load the keys in the file at `path`; skip empty lines and comments.

    Raises:
        KeysFileError: the file cannot be read, has no key, or has an invalid line.
    """
    try:
        lines = read_regular_file(path).decode("utf-8").splitlines()
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise KeysFileError(f"{path}: cannot be read: {reason}") from error
    keys: dict[str, ApiKey] = {}
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        where = f"{path}, line {number}"
        key = _parse(line, where)
        if key.name in keys:
            raise KeysFileError(f"{where}: the name {key.name!r} is used by an earlier key")
        keys[key.name] = key
    if not keys:
        raise KeysFileError(f'{path}: contains no key; create one with "numeral keys create NAME"')
    return tuple(keys.values())


def _parse(line: str, where: str) -> ApiKey:
    try:
        return ApiKey.model_validate_json(line)
    except ValidationError as error:
        # Without the values: the line may contain the key itself by mistake.
        faults = [
            f"{'.'.join(map(str, fault['loc'])) or 'the line'}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        ]
        raise KeysFileError(
            f'{where}: {"; ".join(faults)}; "numeral keys create NAME" writes valid lines'
        ) from None


def _hash(key: bytes) -> str:
    # Slow salted hashes protect passwords, which people choose and others guess. A key is 256
    # random bits, and this hash costs a request half a microsecond.
    return hashlib.sha256(key).hexdigest()
