"""`GET /health`: for whoever starts, watches and restarts the service."""

from fastapi import APIRouter, Request

from service.api.problems import problem_responses
from service.api.schemas import Liveness, Readiness
from service.api.state import refuse_while_draining, registry_of
from service.errors import NotReady, Stopping

router = APIRouter(prefix="/health", tags=["health"])


@router.get("/live", operation_id="live", responses=problem_responses())
async def live() -> Liveness:
    """Whether the process answers; it does so before the models are loaded."""
    return Liveness()


@router.get("/ready", operation_id="ready", responses=problem_responses(NotReady, Stopping))
async def ready(request: Request) -> Readiness:
    """Whether pictures should be sent: the models are loaded and warm, and it does not stop."""
    refuse_while_draining(request)
    catalogue = registry_of(request).catalogue
    return Readiness(models=tuple(catalogue.classifiers), readers=tuple(catalogue.readers))
