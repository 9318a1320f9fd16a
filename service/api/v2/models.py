"""A model over the protocol: what it takes, whether it is ready, what was done with it."""

from fastapi import APIRouter, Request

from models.manifest import ModelCard
from service.api.state import registry_of, statistics_of
from service.api.v2 import answer_schemas as answers
from service.api.v2 import contract
from service.api.v2.document import error_responses
from service.errors import ModelUnavailable, NotReady, UnknownModel

# What Triton calls an ONNX file that runs in ONNX Runtime.
_PLATFORM = "onnxruntime_onnx"

router = APIRouter()


def card_of(request: Request) -> ModelCard:
    """The card of the model that the path names, loaded or not.

    Raises:
        NotReady: no model is there yet.
        UnknownModel: there is none of that name, or it has another version.
    """
    name, version = request.path_params["name"], request.path_params.get("version")
    card = registry_of(request).catalogue.card(name)
    if version not in (None, card.version):
        raise UnknownModel(
            f"the model {name!r} has no version {version!r}; its version is {card.version!r}"
        )
    return card


@router.get("", responses=error_responses(NotReady, UnknownModel))
async def model_metadata(request: Request) -> answers.ModelMetadata:
    """The tensors that a model takes and gives.

    A request has one of the inputs: `image`, normalised as MNIST's images are (white ink on black),
    or `image_bytes`, image files as `POST /predict` takes them.
    """
    card = card_of(request)
    return answers.ModelMetadata(
        name=card.name,
        versions=(card.version,),
        platform=_PLATFORM,
        inputs=contract.INPUTS,
        outputs=contract.OUTPUTS,
    )


@router.get("/ready", responses=error_responses(NotReady, UnknownModel, ModelUnavailable))
async def model_ready(request: Request) -> answers.ModelReady:
    """Whether a model is loaded and warm."""
    card = card_of(request)
    registry_of(request).catalogue.classifier(card.name)
    return answers.ModelReady(name=card.name)


@router.get("/stats", responses=error_responses(NotReady, UnknownModel))
async def model_statistics(request: Request) -> answers.Statistics:
    """What this process has done with a model over the protocol."""
    return answers.Statistics(model_stats=(statistics_of(request).report(card_of(request)),))
