"""`GET /metrics`: what Prometheus reads."""

import asyncio

from fastapi import APIRouter, Request, Response

from service.api.problems import problem_responses
from service.api.state import metrics_of

router = APIRouter(tags=["metrics"])

_TEXT = {"schema": {"type": "string"}}


@router.get(
    "/metrics",
    operation_id="metrics",
    response_class=Response,
    responses={
        200: {
            "description": "Every metric, of all workers together",
            "content": {"text/plain": _TEXT, "application/openmetrics-text": _TEXT},
        },
        **problem_responses(),
    },
)
async def metrics(request: Request) -> Response:
    """Requests, times, queue, decisions and models, in Prometheus' text format or OpenMetrics."""
    accept = request.headers.get("accept", "")
    # Beside the event loop: a few hundred series take milliseconds to write.
    page = await asyncio.to_thread(metrics_of(request).page, accept)
    return Response(page.content, media_type=page.media_type)
