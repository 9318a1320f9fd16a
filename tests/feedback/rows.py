"""Rows of the feedback database."""

import time


def row(**values: object) -> dict[str, object]:
    """A digit that was read in the request `mine`, except for `values`."""
    return {
        "request_id": "mine",
        "place": 0,
        "item_id": None,
        "caller": None,
        "time": time.time(),
        "kind": "digit",
        "model": "resnet",
        "version": "1",
        "read": "7",
        "confidence": 0.9,
        "decision": "accept",
        "reasons": "",
        "image": None,
    } | values
