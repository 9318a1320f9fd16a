"""Each call of the service: the request for it, and how its answer is read."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any, TypeVar, cast
from urllib.parse import quote
from uuid import uuid4

from pydantic import TypeAdapter

from numeral_client.answers import (
    BatchFailure,
    BatchField,
    BatchPrediction,
    Health,
    Place,
    Prediction,
    ReadField,
    Served,
)
from numeral_client.cards import ModelDetail
from numeral_client.exchange import Ask, Call, Reply, body_of, unexpected
from numeral_client.family import ProblemError
from numeral_client.images import Image, Images, Several, batch_of, file_of, is_pixels, npy_of
from numeral_client.reader_cards import ModelList, ReaderDetail
from numeral_client.wishes import DigitWish, FieldWish

Reading = TypeVar("Reading", Prediction, ReadField)
Read = TypeVar("Read", bound=Place)

JSON = "application/json"

_DETAIL: TypeAdapter[ModelDetail | ReaderDetail] = TypeAdapter(ModelDetail | ReaderDetail)


def predict(image: Image, wish: DigitWish) -> Call[Prediction]:
    """One digit."""
    ask = post("/predict", wish, "application/octet-stream", file_of(image))
    return Call(ask, partial(_reading, Prediction))


def predict_batch(images: Images, wish: DigitWish) -> Call[list[BatchPrediction | BatchFailure]]:
    """A digit to an image."""
    if is_pixels(images):
        ask = post("/predict/batch", wish, "application/x-npy", npy_of(images))
    else:
        ask = post("/predict/batch", wish, JSON, batch_of(cast("Several", images)))
    return Call(ask, partial(_batch, BatchPrediction, "predictions"))


def fields(image: Image, wish: FieldWish) -> Call[ReadField]:
    """One field."""
    ask = post("/fields", wish, "application/octet-stream", file_of(image))
    return Call(ask, partial(_reading, ReadField))


def fields_batch(images: Several, wish: FieldWish) -> Call[list[BatchField | BatchFailure]]:
    """A field to an image."""
    ask = post("/fields/batch", wish, JSON, batch_of(images))
    return Call(ask, partial(_batch, BatchField, "fields"))


def models() -> Call[ModelList]:
    """All models."""
    return Call(get("/models"), lambda reply: ModelList.model_validate_json(body_of(reply)))


def model(name: str) -> Call[ModelDetail | ReaderDetail]:
    """One model."""
    ask = get(f"/models/{quote(name, safe='')}")
    return Call(ask, lambda reply: _DETAIL.validate_json(body_of(reply)))


def health() -> Call[Health]:
    """Whether it is ready; that it is not is an answer too."""
    return Call(get("/health/ready"), _health)


def post(
    path: str,
    wish: DigitWish | FieldWish,
    content_type: str,
    content: bytes,
    accept: str = JSON,
) -> Ask:
    """A request to read `content`."""
    params = {key: value for key, value in wish.items() if value is not None}
    request_id = str(params.pop("request_id", uuid4().hex))
    headers = {"Content-Type": content_type, "Accept": accept}
    return Ask("POST", path, request_id, cast("dict[str, str]", params), headers, content)


def get(path: str, accept: str = JSON, **params: int) -> Ask:
    """A request for what is there."""
    return Ask("GET", path, uuid4().hex, params, headers={"Accept": accept})


def item_of(kind: type[Read], item: Mapping[str, Any], reply: Reply) -> Read | BatchFailure:
    """An item of a batch's answer, which `reply` brought."""
    values = {**item, "request_id": reply.request_id}
    return BatchFailure.model_validate(values) if "error" in item else kind.model_validate(values)


def object_of(text: bytes, reply: Reply) -> dict[str, Any]:
    """The JSON object that `text`, a part of `reply`, holds.

    Raises:
        UnexpectedAnswer: it holds none.
    """
    try:
        document = json.loads(text)
    except ValueError as error:
        raise unexpected(reply) from error
    if not isinstance(document, dict):
        raise unexpected(reply)
    return document


def _reading(kind: type[Reading], reply: Reply) -> Reading:
    values = object_of(body_of(reply), reply)
    return kind.model_validate(values | {"request_id": reply.request_id})


def _batch(kind: type[Read], name: str, reply: Reply) -> list[Read | BatchFailure]:
    items = object_of(body_of(reply), reply).get(name)
    if not isinstance(items, list):
        raise unexpected(reply)
    return [item_of(kind, item, reply) for item in items]


def _health(reply: Reply) -> Health:
    try:
        served = Served.model_validate_json(body_of(reply))
    except ProblemError as error:
        return Health(ready=False, models=(), problem=error.problem)
    return Health(ready=True, models=served.models, readers=served.readers)
