"""The paths of the Open Inference Protocol."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute
from pydantic import ValidationError

from models.manifest import ModelCard
from service import errors
from service.api import examples
from service.api.bodies import OCTET_STREAM, require_uncompressed, run_parser
from service.api.dependencies import charge, record, refuse_while_draining, state_of
from service.api.negotiation import JSON
from service.api.openapi import component
from service.api.problems import READING_ERRORS, V2_PREFIX, v2_error_responses
from service.errors import ModelUnavailable, NotReady, NumeralError, Stopping, UnknownModel
from service.v2 import schemas
from service.v2.tensors import HEADER_LENGTH, INPUTS, outputs_of, parse, readings_of, write
from service.version import version

_Handler = TypeVar("_Handler", bound=Callable[..., Any])

_EXTENSIONS = ("binary_tensor_data", "statistics")
# Triton's name for an ONNX file that ONNX Runtime runs.
_PLATFORM = "onnxruntime_onnx"

# The longest request for the index is `{"ready": true}`.
_MAX_INDEX_BYTES = 1000
# A longer response is written in a thread, so that it does not hold up other requests.
_MAX_INLINE_IMAGES = 64

_MODEL_PATHS = ("/models/{name}", "/models/{name}/versions/{version}")

_BINARY = {"schema": {"type": "string", "format": "binary"}}
_LENGTH: dict[str, Any] = {
    "description": "Bytes of JSON before the binary data.",
    "schema": {"type": "integer", "minimum": 0},
}
_INFER_REQUEST: dict[str, Any] = {
    "parameters": [{"name": HEADER_LENGTH, "in": "header", **_LENGTH}],
    "requestBody": {
        "required": True,
        "description": f"JSON; with the header `{HEADER_LENGTH}`, JSON followed by binary data. The"
        " Content-Type is ignored.",
        "content": {
            JSON: {"schema": component(schemas.InferRequest), "examples": examples.SEVEN.tensor()},
            OCTET_STREAM: _BINARY,
        },
    },
}
_INFER_RESPONSE: dict[str, Any] = {
    "description": "The outputs. If any is binary, the response is `application/octet-stream`: an"
    f" `InferAnswer` of `{HEADER_LENGTH}` bytes, followed by the data of the binary outputs.",
    "headers": {HEADER_LENGTH: _LENGTH},
    "content": {OCTET_STREAM: _BINARY},
}
_INDEX_REQUEST: dict[str, Any] = {
    "requestBody": {
        "required": False,
        "content": {JSON: {"schema": component(schemas.RepositoryIndexRequest)}},
    }
}


def _operation_id(route: APIRoute) -> str:
    return f"v2_{route.name}" + ("_version" if "{version}" in route.path else "")


router = APIRouter(prefix=V2_PREFIX, tags=["v2"], generate_unique_id_function=_operation_id)


def _model_route(
    path: str,
    *kinds: type[NumeralError],
    method: str = "GET",
    **options: Any,  # noqa: ANN401 - as for `add_api_route`
) -> Callable[[_Handler], _Handler]:
    """Register a handler for a model and for a version of a model."""
    errors_of_all: tuple[type[NumeralError], ...] = (NotReady, UnknownModel)
    kinds = tuple(dict.fromkeys(errors_of_all + kinds))
    options["responses"] = {**options.get("responses", {}), **v2_error_responses(*kinds)}

    def register(handler: _Handler) -> _Handler:
        for model_path in _MODEL_PATHS:
            router.add_api_route(model_path + path, handler, methods=[method], **options)
        return handler

    return register


@router.get("", summary="Describe the server", responses=v2_error_responses())
async def server_metadata() -> schemas.ServerMetadata:
    """The name and version of the server, and the extensions of the protocol that it supports."""
    return schemas.ServerMetadata(name="numeral", version=version(), extensions=_EXTENSIONS)


@router.get("/health/live", summary="Check liveness", responses=v2_error_responses())
async def server_live() -> schemas.ServerLive:
    """Whether the process answers; it does before the models are loaded."""
    return schemas.ServerLive()


@router.get(
    "/health/ready", summary="Check readiness", responses=v2_error_responses(NotReady, Stopping)
)
async def server_ready(request: Request) -> schemas.ServerReady:
    """Whether the models are loaded and warm, and the service is not stopping."""
    refuse_while_draining(request)
    _ = state_of(request)["registry"].catalogue
    return schemas.ServerReady()


@router.get(
    "/models/stats",
    summary="Get the statistics of all models",
    responses=v2_error_responses(NotReady),
)
async def statistics(request: Request) -> schemas.Statistics:
    """What this process has done with each model over the protocol."""
    cards = state_of(request)["registry"].catalogue.cards.values()
    return schemas.Statistics(model_stats=tuple(map(state_of(request)["statistics"].report, cards)))


@router.post(
    "/repository/index",
    summary="List the models",
    responses=v2_error_responses(
        errors.InvalidRequest,
        errors.BodyTooSlow,
        errors.BodyTooLarge,
        errors.TooManyBodies,
        Stopping,
        NotReady,
    ),
    openapi_extra=_INDEX_REQUEST,
)
async def repository_index(request: Request) -> list[schemas.RepositoryEntry]:
    """The published models, and whether each is served."""
    ready_only = _parse_index_request(await request.body()).ready
    catalogue = state_of(request)["registry"].catalogue
    return [
        schemas.RepositoryEntry(
            name=card.name,
            version=card.version,
            state="READY" if card.name in catalogue.classifiers else "UNAVAILABLE",
            reason=catalogue.failures.get(card.name, ""),
        )
        for card in catalogue.cards.values()
        if card.name in catalogue.classifiers or not ready_only
    ]


@_model_route("", summary="Describe a model")
async def model_metadata(request: Request) -> schemas.ModelMetadata:
    """The tensors that a model takes and returns.

    A request has one of the inputs: `image`, normalised like MNIST's images (white ink on black),
    or `image_bytes`, image files as for `POST /predict`.
    """
    card = _card_of(request)
    return schemas.ModelMetadata(
        name=card.name,
        versions=(card.version,),
        platform=_PLATFORM,
        inputs=INPUTS,
        outputs=tuple(output.tensor for output in outputs_of(card)),
    )


@_model_route("/ready", ModelUnavailable, summary="Check a model")
async def model_ready(request: Request) -> schemas.ModelReady:
    """Whether a model is loaded and warm."""
    card = _card_of(request)
    state_of(request)["registry"].catalogue.classifier(card.name)
    return schemas.ModelReady(name=card.name)


@_model_route("/stats", summary="Get the statistics of a model")
async def model_statistics(request: Request) -> schemas.Statistics:
    """What this process has done with a model over the protocol."""
    return schemas.Statistics(
        model_stats=(state_of(request)["statistics"].report(_card_of(request)),)
    )


@_model_route(
    "/infer",
    *READING_ERRORS,
    errors.BatchTooLarge,
    method="POST",
    summary="Read digits",
    response_model=schemas.InferAnswer,
    responses={200: _INFER_RESPONSE},
    openapi_extra=_INFER_REQUEST,
)
async def infer(request: Request) -> Response:
    """Read digits, one per image.

    The input is `image`, UINT8 [N, 28, 28], normalised like MNIST's images and used unchanged; or
    `image_bytes`, BYTES [N], image files as for `POST /predict` (Base64 in JSON). If a file cannot
    be read, the request fails and the error names the file.
    """
    require_uncompressed(request)
    card = _card_of(request)
    engine = state_of(request)["engine"]
    engine.require_space()
    body = await request.body()
    with state_of(request)["statistics"].request(card) as progress:
        header_length = request.headers.get(HEADER_LENGTH)
        max_batch = state_of(request)["settings"].max_batch
        parser = partial(
            parse, body, header_length, max_batch=max_batch, available=outputs_of(card)
        )
        inference = await run_parser(parser, len(body))
        charge(request, len(inference.content))
        pipeline = state_of(request)["registry"].digits(inference.options(card.name))
        result = await engine.run(pipeline, inference.contents())
        progress.times, progress.images = result.times, len(result.outcomes)
        readings = readings_of(result.outcomes)
        record(request, readings)
        if len(readings) <= _MAX_INLINE_IMAGES:
            return write(inference, card, readings)
        return await asyncio.to_thread(write, inference, card, readings)


def _card_of(request: Request) -> ModelCard:
    """Return the card of the model in the path, loaded or not, or raise `UnknownModel`."""
    name, requested = request.path_params["name"], request.path_params.get("version")
    card = state_of(request)["registry"].catalogue.card(name)
    if requested not in (None, card.version):
        raise UnknownModel(
            f"the model {name!r} has no version {requested!r}; its version is {card.version!r}"
        )
    return card


def _parse_index_request(body: bytes) -> schemas.RepositoryIndexRequest:
    if not body:
        return schemas.RepositoryIndexRequest()
    if len(body) > _MAX_INDEX_BYTES:
        raise errors.InvalidRequest.of("body", 'is longer than {"ready": true}')
    try:
        return schemas.RepositoryIndexRequest.model_validate_json(body)
    except ValidationError as error:
        raise errors.InvalidRequest.from_pydantic(error.errors(include_url=False)) from error
