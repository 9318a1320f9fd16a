"""What cannot be had with Ray Serve, said before anything starts."""

from service.auth.api_keys import ApiKeys
from service.settings import Settings


def refusal(settings: Settings, access: ApiKeys, *, joins: bool) -> str | None:
    """Why the service cannot run on Ray Serve with these settings; None where it can.

    Args:
        settings: what can be set.
        access: who may call.
        joins: whether the cluster is one that may have several machines.
    """
    if settings.workers is not None and settings.min_workers > settings.workers:
        return (
            f"NUMERAL_MIN_WORKERS is {settings.min_workers} and NUMERAL_WORKERS, the most, is"
            f" {settings.workers}; set as many or more"
        )
    if not joins:
        return None
    if (settings.feedback_url or "").startswith("sqlite"):
        return (
            "NUMERAL_FEEDBACK_DATABASE: machines of a cluster cannot share a file of SQLite; name"
            " a postgresql:// database, or let Ray be started on one, without NUMERAL_RAY_ADDRESS"
        )
    if access.has_quotas:
        return (
            "NUMERAL_API_KEYS_FILE: quotas are counted on one machine; take them out of the file,"
            " or let Ray be started on one, without NUMERAL_RAY_ADDRESS"
        )
    return None
