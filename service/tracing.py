"""OpenTelemetry traces, configured by the standard `OTEL_*` variables."""

from __future__ import annotations

import itertools
import logging
import os
import threading
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Receive, Scope, Send

from service.version import version

if TYPE_CHECKING:
    from collections.abc import Callable

    from opentelemetry.sdk.trace.export import SpanExporter

_CLOSING_SECONDS = 3

_propagator = TraceContextTextMapPropagator()
_log = logging.getLogger(__name__)


def trace_fields(traceparent: str = "") -> dict[str, str]:
    """Return the log fields of the current span, or else of the caller's in `traceparent`."""
    span = trace.get_current_span().get_span_context()
    if not span.is_valid and traceparent:
        context = _propagator.extract({"traceparent": traceparent.strip()})
        span = trace.get_current_span(context).get_span_context()
    if not span.is_valid:
        return {}
    return {
        "trace_id": trace.format_trace_id(span.trace_id),
        "span_id": trace.format_span_id(span.span_id),
    }


class Tracing:
    """Sends a span per request to a collector: to `exporter`, or over OTLP and HTTP.

    Requires the `otel` extra, which is imported only here.
    """

    def __init__(self, exporter: SpanExporter | None = None) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        defaults = {"service.name": "numeral", "service.version": version()}
        configured = OTELResourceDetector().detect().attributes
        self._provider = TracerProvider(
            resource=Resource.create({**defaults, **configured}), shutdown_on_exit=False
        )
        self._provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))

    def middleware(self, app: ASGIApp, route_of: Callable[[str], str]) -> ASGIApp:
        """Return `app` with a span around every request; `route_of` gives a path's template."""
        # The instrumentation follows the stable conventions only if asked to.
        os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "http")
        from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware  # noqa: PLC0415

        def span_details(scope: Scope) -> tuple[str, dict[str, Any]]:
            route = route_of(scope["path"])
            return f"{scope['method']} {route}", {"http.route": route}

        instrumented = OpenTelemetryMiddleware(
            app,
            default_span_details=span_details,
            tracer_provider=self._provider,
            meter_provider=NoOpMeterProvider(),
            exclude_spans=["receive", "send"],
        )

        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            # The instrumentation raises on a query or header that it cannot decode.
            is_traced = scope["type"] == "http" and all(
                text.isascii()
                for text in (scope["query_string"], *itertools.chain(*scope["headers"]))
            )
            await (instrumented if is_traced else app)(scope, receive, send)

        return traced

    def close(self) -> None:
        """Send the last spans, as far as that works in a few seconds."""
        # The exporter retries a collector that does not answer for longer than a stop may take.
        closing = threading.Thread(target=self._provider.shutdown, name="tracing", daemon=True)
        closing.start()
        closing.join(_CLOSING_SECONDS)
        if closing.is_alive():
            _log.warning("the last traces could not be sent within %d s", _CLOSING_SECONDS)
