"""The trace that a caller's request belongs to (W3C Trace Context)."""

import re
from dataclasses import dataclass

_TRACEPARENT = re.compile(
    rb"(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]{2}(-.*)?"
)
_FIRST_VERSION = b"00"


@dataclass(frozen=True, slots=True)
class TraceContext:
    """Where in a trace something happens.

    Attributes:
        trace_id: of the whole trace, 32 hexadecimal digits.
        span_id: of the step in it, 16 hexadecimal digits.
    """

    trace_id: str
    span_id: str


def read_traceparent(header: bytes) -> TraceContext | None:
    """What a `traceparent` header says, or None where it breaks the rules."""
    match = _TRACEPARENT.fullmatch(header.strip())
    if not match:
        return None
    version, trace_id, span_id, more = match.groups()
    if more and version == _FIRST_VERSION:
        return None
    return TraceContext(trace_id.decode(), span_id.decode())
