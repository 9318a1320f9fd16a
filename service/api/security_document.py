"""What OpenAPI says of keys, once there are any: how to show one, and what follows without."""

from typing import Any

from service.api.guarded import role_for
from service.api.problems import V2_PREFIX, problem_responses, v2_error_responses
from service.errors import KeyRequired, QuotaExceeded, RoleRequired

Json = dict[str, Any]

_SCHEMES: Json = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key of this service."},
    "key": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same."},
}
_EITHER: list[Json] = [{scheme: []} for scheme in _SCHEMES]


def describe_keys(document: Json, *, quotas: bool) -> None:
    """Let `document` say which operations want a key, and what they answer without.

    To be called before headers that all responses share are added.

    Args:
        document: of the whole service.
        quotas: whether a key may run out.
    """
    errors = [KeyRequired, RoleRequired, *([QuotaExceeded] if quotas else [])]
    document["components"]["securitySchemes"] = _SCHEMES
    for path, operations in document["paths"].items():
        role = role_for(path)
        if role is None:
            continue
        of_path = v2_error_responses if path.startswith(V2_PREFIX) else problem_responses
        for operation in operations.values():
            operation["security"] = _EITHER
            operation["description"] = (
                f"{operation.get('description', '')}\n\nWants a key with the role `{role}`.".strip()
            )
            for status, response in of_path(*errors).items():
                operation["responses"].setdefault(str(status), response)
            operation["responses"] = dict(sorted(operation["responses"].items()))
