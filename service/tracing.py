"""OpenTelemetry traces, for those who ask for them; set up by the standard variables `OTEL_*`.

The SDK is imported only where traces are on: it is the
extra `otel`.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from service.version import version

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter

_CLOSING_SECONDS = 3

_log = logging.getLogger(__name__)


class Tracing:
    """Sends a span per request to a collector, over OTLP and HTTP unless `exporter` is another.

    Attributes:
        provider: of the tracer.
        tracer: makes the spans.
    """

    def __init__(self, exporter: SpanExporter | None = None) -> None:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

        own = {"service.name": "numeral", "service.version": version()}
        given = OTELResourceDetector().detect().attributes
        self.provider: TracerProvider = TracerProvider(
            resource=Resource.create({**own, **given}), shutdown_on_exit=False
        )
        self.provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
        self.tracer = self.provider.get_tracer("numeral", version())

    def close(self) -> None:
        """Send what has not been sent yet, as far as that goes in a few seconds."""
        # A collector that does not answer is tried again and again, longer than a stop may take.
        closing = threading.Thread(target=self.provider.shutdown, name="tracing", daemon=True)
        closing.start()
        closing.join(_CLOSING_SECONDS)
        if closing.is_alive():
            _log.warning("the last traces could not be sent within %d s", _CLOSING_SECONDS)
