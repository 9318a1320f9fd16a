"""`/forms`: pages with several fields, read by the form files of the service."""

import asyncio
from base64 import b64encode
from functools import partial
from typing import Annotated, Literal

import cv2
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from models.records import Rate
from service.api import examples, responses
from service.api.bodies import read_parts, read_picture
from service.api.dependencies import charge, record, state_of
from service.api.formats import Item
from service.api.negotiation import require_json_accepted
from service.api.parameters import PageParameters, ParameterRoute
from service.api.problems import SINGLE_ERRORS, problem_responses
from service.api.schemas import Answer, FieldReading, Identified, ReadDigit
from service.errors import BatchTooLarge, InvalidRequest, NotAcceptable, UnknownForm, UnusableForm
from service.forms.files import Check, Form, FormError, form_from
from service.forms.reading import FormPipeline, FormReading, FormReason, MarkReading, MarkReason
from service.forms.registry import sent_form
from service.forms.straighten import StraightPage, straight_picture
from service.inference.decisions import Decision
from service.inference.engine import Engine

router = APIRouter(tags=["forms"])
reading_router = APIRouter(route_class=ParameterRoute)


class FormSummary(BaseModel):
    """A form, or why its file cannot be used."""

    name: str
    version: str | None = None
    fields: tuple[str, ...] = ()
    reason: str | None = Field(description="Why it cannot be used; null where it can.")


class FormList(BaseModel):
    """The forms of the service."""

    forms: tuple[FormSummary, ...]


class Mark(Answer):
    """Whether a box is marked."""

    kind: Literal["mark"]
    marked: bool | None = Field(description="Null if it is unclear.")
    share: Rate = Field(description="Share of the box that is ink.")
    decision: Decision
    reasons: tuple[MarkReason, ...]


class PagePlace(Answer):
    """How the page was found."""

    found_by: Literal["corners", "aruco", "reference", "none"]
    residual_px: float | None = Field(
        description="How far the marks it was found by are from where they should be, in pixels."
    )
    corners: tuple[tuple[float, float], ...] | None = Field(
        description="Corners of the page in the picture, clockwise from the page's top left; null"
        " if it was not found."
    )


class CheckAnswer(Check):
    """A check of the form, and whether it holds."""

    holds: bool | None = Field(description="Null if a value is missing.")


class FormAnswer(Identified):
    """What is on a page, and whether to trust it."""

    form: str
    version: str = Field(description="Version of the form; it changes with its file.")
    page: PagePlace
    fields: dict[str, ReadDigit | FieldReading | Mark] = Field(
        description="What `/predict` or `/fields` answer for each field, or a mark; empty if no"
        " page was found."
    )
    checks: tuple[CheckAnswer, ...]
    decision: Decision = Field(description="`accept` only if all fields and checks are.")
    reasons: tuple[FormReason, ...]
    error_bound: Rate = Field(description="Sum of the error rates of the accepted fields.")


class Trial(Identified):
    """A form, and what it reads on a page."""

    form: Form
    reading: FormAnswer | None = Field(description="Null without a page.")
    straight: str | None = Field(
        description="A JPEG of the straightened page, its longer side 1,600 pixels; null if no page"
        " was found.",
        json_schema_extra={"contentEncoding": "base64", "contentMediaType": "image/jpeg"},
    )


@router.get(
    "/forms",
    operation_id="list_forms",
    summary="List the forms",
    responses=problem_responses(NotAcceptable),
)
async def list_forms(request: Request) -> FormList:
    """The forms that can be read, and why others cannot."""
    require_json_accepted(request)
    forms = state_of(request)["forms"]
    usable = [
        FormSummary(name=name, version=form.version, fields=tuple(form.fields), reason=None)
        for name, (form, _) in forms.usable.items()
    ]
    failed = [FormSummary(name=name, reason=reason) for name, reason in forms.failures.items()]
    return FormList(forms=(*usable, *failed))


@router.get(
    "/forms/{name}",
    operation_id="get_form",
    summary="Show one form",
    response_model_exclude_none=True,
    responses=problem_responses(InvalidRequest, NotAcceptable, UnknownForm, UnusableForm),
)
async def get_form(request: Request, name: str) -> Form:
    """The form's file, as JSON."""
    require_json_accepted(request)
    return state_of(request)["forms"].get(name).form


@reading_router.post(
    "/forms/{name}",
    operation_id="read_form",
    summary="Read a page of a form",
    response_model=FormAnswer,
    responses=problem_responses(*SINGLE_ERRORS, UnknownForm, UnusableForm),
    openapi_extra=examples.single_body("/forms/giro", examples.FIELD),
)
async def read_form(request: Request, parameters: Annotated[PageParameters, Query()]) -> Response:
    """Send a photo or a scan of the page as to `POST /predict`.

    The page is found and straightened, and every field is read as by `/predict` or `/fields`.
    """
    require_json_accepted(request)
    state = state_of(request)
    engine, registry = state["engine"], state["registry"]
    loaded = state["forms"].get(request.path_params["name"])
    pipeline = state["forms"].pipeline_of(loaded, registry, parameters.page)
    engine.require_space()
    charge(request, max(1, len(pipeline.fields)))
    data = await read_picture(request, batch_path=None)
    async with engine.deadline():
        page = await engine.work(lambda: pipeline.straighten(pipeline.decode(data)))
        reading = await _read(engine, pipeline, page)
    results = {
        name: each for name, each in reading.fields.items() if not isinstance(each, MarkReading)
    }
    record(
        request,
        list(results.values()),
        [Item(name, data) for name in results],
        page=parameters.page,
    )
    answer = responses.form(reading, request_id=state["request_id"])
    return responses.JsonResponse(responses.to_json(answer))


@reading_router.post(
    "/forms",
    operation_id="try_form",
    summary="Try a form",
    response_model=Trial,
    responses=problem_responses(*SINGLE_ERRORS, BatchTooLarge),
    openapi_extra=examples.form_body(),
)
async def try_form(request: Request, parameters: Annotated[PageParameters, Query()]) -> Response:
    """Send a form file as `form`, and a page as `file` to read it; nothing is stored.

    A form that is wrong gets 422, with the line and the reason.
    """
    require_json_accepted(request)
    state = state_of(request)
    engine = state["engine"]
    engine.require_space()
    parts = await read_parts(request, "form", frozenset(("file", "reference")))
    reference, data = parts.get("reference"), parts.get("file")
    max_pixels = state["settings"].max_pixels
    async with engine.deadline():
        reading = straight = None
        try:
            form = await engine.work(partial(form_from, parts["form"], "form.yaml"))
            if data is not None:
                open_form = partial(sent_form, form, reference, max_pixels=max_pixels)
                loaded = await engine.work(open_form)
                pipeline = state["forms"].pipeline_of(loaded, state["registry"], parameters.page)
                charge(request, max(1, len(pipeline.fields)))
                page, straight = await engine.work(partial(_straightened, pipeline, data))
                reading = await _read(engine, pipeline, page)
        except FormError as error:
            raise InvalidRequest.of("form", str(error)) from error
    answer = {
        "request_id": state["request_id"],
        "form": form.model_dump(mode="json", exclude_none=True),
        "reading": reading and responses.form(reading, request_id=state["request_id"]),
        "straight": straight,
    }
    return responses.JsonResponse(responses.to_json(answer))


async def _read(engine: Engine, pipeline: FormPipeline, page: StraightPage) -> FormReading:
    try:
        async with asyncio.TaskGroup() as tasks:
            running = [
                (crops, tasks.create_task(engine.run(each, list(crops.values()))))
                for each, crops in pipeline.groups(page)
            ]
    except ExceptionGroup as errors:
        # The others are cancelled; one says enough.
        raise errors.exceptions[0] from None
    read = {
        name: outcome
        for crops, task in running
        for name, outcome in zip(crops, task.result().outcomes, strict=True)
    }
    return pipeline.answer(page, read)


def _straightened(pipeline: FormPipeline, data: bytes) -> tuple[StraightPage, str | None]:
    picture = pipeline.decode(data)
    page = pipeline.straighten(picture)
    if page.found is None:
        return page, None
    straight, _ = straight_picture(picture, pipeline.form, page.found)
    return page, b64encode(cv2.imencode(".jpg", straight)[1].tobytes()).decode()


router.include_router(reading_router)
