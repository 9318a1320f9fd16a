"""The header `traceparent`, as W3C Trace Context has it."""

import pytest

from service.trace_context import TraceContext, read_traceparent

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "header",
    [f"00-{TRACE}-{SPAN}-01", f" 00-{TRACE}-{SPAN}-00 ", f"42-{TRACE}-{SPAN}-01-what-comes-later"],
)
def test_a_valid_header_names_the_trace_and_the_span(header):
    assert read_traceparent(header.encode()) == TraceContext(TRACE, SPAN)


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE}-{SPAN}-01-more",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}",
        f"00-{TRACE}-{SPAN}-01\nforged",
    ],
)
def test_any_other_header_is_left_out(header):
    assert read_traceparent(header.encode()) is None
