"""A span for every request, as OpenTelemetry's semantic conventions for HTTP servers name it."""

from opentelemetry import trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.paths import PathTemplates
from service.tracing import Tracing

_propagator = TraceContextTextMapPropagator()


class TraceRequests:
    """Opens a span for each request, in the trace that its caller names in `traceparent`."""

    def __init__(self, app: ASGIApp, *, tracing: Tracing, paths: PathTemplates) -> None:
        self.app = app
        self.tracing = tracing
        self.paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on the request within its span."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        method, route = scope["method"], self.paths.of(scope["path"])
        headers = {
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        }
        with self.tracing.tracer.start_as_current_span(
            f"{method} {route}",
            _propagator.extract(headers),
            kind=trace.SpanKind.SERVER,
            attributes={
                "http.request.method": method,
                "http.route": route,
                "url.path": scope["path"],
                "url.scheme": scope["scheme"],
            },
        ) as span:

            async def send_and_note(message: Message) -> None:
                if message["type"] == "http.response.start":
                    status = message["status"]
                    span.set_attribute("http.response.status_code", status)
                    if status >= 500:
                        span.set_status(trace.StatusCode.ERROR)
                await send(message)

            await self.app(scope, receive, send_and_note)
