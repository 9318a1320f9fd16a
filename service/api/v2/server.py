"""The server over the protocol: who it is, whether it is ready, its models all together."""

from fastapi import APIRouter, Request
from pydantic import ValidationError

from service import errors
from service.api.state import refuse_while_draining, registry_of, statistics_of
from service.api.v2 import answer_schemas as answers
from service.api.v2.document import INDEX_OPERATION, error_responses
from service.api.v2.request_schemas import RepositoryIndexRequest
from service.errors import NotReady
from service.inference.catalogue import Catalogue
from service.version import version

_EXTENSIONS = ("binary_tensor_data", "statistics")

# Of what may be asked of the index, `{"ready": true}` is the most.
_MOST_INDEX_BYTES = 1000

router = APIRouter()


@router.get("", responses=error_responses())
async def server_metadata() -> answers.ServerMetadata:
    """Which server this is, and which extensions of the protocol it has."""
    return answers.ServerMetadata(name="numeral", version=version(), extensions=_EXTENSIONS)


@router.get("/health/live", responses=error_responses())
async def server_live() -> answers.ServerLive:
    """Whether the process answers; it does so before the models are loaded."""
    return answers.ServerLive()


@router.get("/health/ready", responses=error_responses(NotReady, errors.Stopping))
async def server_ready(request: Request) -> answers.ServerReady:
    """Whether the models are loaded and warm, and the service does not stop."""
    refuse_while_draining(request)
    _ = registry_of(request).catalogue
    return answers.ServerReady()


@router.get("/models/stats", responses=error_responses(NotReady))
async def statistics(request: Request) -> answers.Statistics:
    """What this process has done with each model over the protocol."""
    cards = registry_of(request).catalogue.cards.values()
    return answers.Statistics(model_stats=tuple(map(statistics_of(request).report, cards)))


@router.post(
    "/repository/index",
    responses=error_responses(
        errors.InvalidRequest,
        errors.BodyTooSlow,
        errors.BodyTooLarge,
        errors.TooManyBodies,
        errors.Stopping,
        NotReady,
    ),
    openapi_extra=INDEX_OPERATION,
)
async def repository_index(request: Request) -> list[answers.RepositoryEntry]:
    """The published models, and whether each is served."""
    asked = _index_request(await request.body())
    catalogue = registry_of(request).catalogue
    entries = [_entry(name, catalogue) for name in catalogue.cards]
    return [entry for entry in entries if entry.state == "READY" or not asked.ready]


def _index_request(body: bytes) -> RepositoryIndexRequest:
    if not body:
        return RepositoryIndexRequest()
    if len(body) > _MOST_INDEX_BYTES:
        raise errors.InvalidRequest.of("body", 'is longer than {"ready": true}')
    try:
        return RepositoryIndexRequest.model_validate_json(body)
    except ValidationError as error:
        raise errors.InvalidRequest.from_pydantic(error.errors(include_url=False)) from error


def _entry(name: str, catalogue: Catalogue) -> answers.RepositoryEntry:
    return answers.RepositoryEntry(
        name=name,
        version=catalogue.card(name).version,
        state="READY" if name in catalogue.classifiers else "UNAVAILABLE",
        reason=catalogue.failures.get(name, ""),
    )
