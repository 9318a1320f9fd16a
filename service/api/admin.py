"""`/admin`: for whoever runs the service. Off unless API keys say who that is."""

from fastapi import APIRouter, Request

from service.api.problems import problem_responses
from service.api.schemas import Reload, ReloadedModel
from service.api.state import caller_of, lifecycle_of, registry_of
from service.errors import AdminOff, ReloadFailed, ReloadInProgress


def require_keys(request: Request) -> None:
    """Let nobody pass where there are no API keys; with keys, the guard has asked for the role.

    Raises:
        AdminOff: there are none.
    """
    if caller_of(request) is None:
        raise AdminOff(
            "without API keys nobody may do this over HTTP; set up a key with the role admin, or"
            " for a reload send SIGHUP to the process"
        )


router = APIRouter(prefix="/admin", tags=["admin"])


@router.post(
    "/reload",
    operation_id="reload",
    responses=problem_responses(AdminOff, ReloadInProgress, ReloadFailed),
)
async def reload(request: Request) -> Reload:
    """Load the models again and serve them in every worker, or go on with the old ones in all.

    Requests in work finish with the models that they began with.
    """
    require_keys(request)
    everywhere = lifecycle_of(request).reload or registry_of(request).reload
    served = await everywhere()
    return Reload(
        default=served.default,
        models=tuple(ReloadedModel(name=each.name, version=each.version) for each in served.models),
        workers=served.workers,
    )
