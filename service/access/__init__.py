"""Who may call, for what, and how much: API keys, their roles and their quotas."""

from service.access.callers import Access, Caller, Callers
from service.access.counters import Counters, shared_counters
from service.access.keys import ApiKey, KeysFileError, Role, load_keys, new_key
from service.access.quotas import Meter, Quota, QuotaExceeded

__all__ = [
    "Access",
    "ApiKey",
    "Caller",
    "Callers",
    "Counters",
    "KeysFileError",
    "Meter",
    "Quota",
    "QuotaExceeded",
    "Role",
    "load_keys",
    "new_key",
    "shared_counters",
]
