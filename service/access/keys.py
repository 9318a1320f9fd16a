"""API keys: made at random, kept as hashes, one to a line of a file."""

import hashlib
import secrets
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

from service.access.quotas import Quota

# Scanners for leaked secrets know a key by what it begins with.
_PREFIX = "numeral_"
_KEY_BYTES = 32


class KeysFileError(ValueError):
    """The file of the keys cannot be used."""


class Role(StrEnum):
    """What a key is for."""

    PREDICT = "predict"
    METRICS = "metrics"
    ADMIN = "admin"

    @property
    def includes(self) -> frozenset["Role"]:
        """The roles that a key of this one has; an administrator has all."""
        return frozenset(Role) if self is Role.ADMIN else frozenset({self})


_QuotaText = Annotated[
    Quota,
    BeforeValidator(lambda value: Quota.parse(value) if isinstance(value, str) else value),
    PlainSerializer(str),
]


class ApiKey(BaseModel):
    """A line of the file: everything about a key but the key."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
    role: Role
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(repr=False)
    quota: _QuotaText | None = None


def new_key(name: str, role: Role, quota: Quota | None = None) -> tuple[str, ApiKey]:
    """A new key, and the line to keep of it.

    Raises:
        ValidationError: the name cannot be one.
    """
    key = _PREFIX + secrets.token_urlsafe(_KEY_BYTES)
    return key, ApiKey(name=name, role=role, sha256=digest(key.encode()).hex(), quota=quota)


def digest(key: bytes) -> bytes:
    """What is kept of a key."""
    # Slow hashes with a salt protect passwords, which people choose and others guess. Nobody
    # guesses 256 random bits, however fast the hash, and this one costs a request half a
    # microsecond where a slow one would cost it a tenth of a second.
    return hashlib.sha256(key).digest()


def load_keys(path: Path) -> tuple[ApiKey, ...]:
    """The keys in the file at `path`; empty lines and those that begin with `#` are skipped.

    Raises:
        KeysFileError: it cannot be read, a line is wrong, or there is no key in it.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
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
            raise KeysFileError(f"{where}: {key.name!r} is the name of an earlier key too")
        keys[key.name] = key
    if not keys:
        raise KeysFileError(f'{path}: holds no key; "numeral keys create NAME" makes one')
    return tuple(keys.values())


def _parse(line: str, where: str) -> ApiKey:
    try:
        return ApiKey.model_validate_json(line)
    except ValidationError as error:
        # Without the values: someone may have put the key itself there.
        faults = [
            f"{'.'.join(map(str, fault['loc'])) or 'the line'}: {fault['msg']}"
            for fault in error.errors(include_input=False, include_url=False)
        ]
        raise KeysFileError(
            f'{where}: {"; ".join(faults)}; "numeral keys create NAME" writes such a line'
        ) from None
