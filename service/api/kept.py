"""The ledger as an endpoint asks for it, and its rows as they are sent."""

from typing import TYPE_CHECKING, Any

from fastapi import Request

from service.api.dependencies import ledger_of
from service.api.feedback_schemas import moment
from service.errors import FeedbackOff

if TYPE_CHECKING:
    # They want the extra feedback.
    from sqlalchemy import RowMapping

    from service.feedback.ledger import Ledger

REVIEWS_PATH = "/reviews"


def ledger_or_refusal(request: Request) -> "Ledger":
    """Where what is read is kept.

    Raises:
        FeedbackOff: it is not.
    """
    ledger = ledger_of(request)
    if ledger is None:
        raise FeedbackOff(
            "what is read is not kept; ask who runs the service to set NUMERAL_FEEDBACK=true"
        )
    return ledger


def kept(row: "RowMapping") -> dict[str, Any]:
    """What is sent of a row, a `KeptPrediction`."""
    return {
        "request_id": row["request_id"],
        "index": row["place"],
        "id": row["item_id"],
        "caller": row["caller"],
        "time": moment(row["time"]),
        "kind": row["kind"],
        "model": row["model"],
        "version": row["version"],
        "read": row["read"],
        "confidence": row["confidence"],
        "decision": row["decision"],
        "reasons": tuple(row["reasons"].split(",")) if row["reasons"] else (),
        "image": f"{REVIEWS_PATH}/{row['id']}/image" if row["has_image"] else None,
    }
