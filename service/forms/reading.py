"""A page of a form to answers: a reading of each field, the checks between them, a decision."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, NamedTuple

from service.forms.files import Check, Form
from service.forms.finding import Finder, PageReason
from service.forms.straighten import StraightPage, straighten
from service.imaging import Picture, decode
from service.inference.decisions import Decision, Reason
from service.inference.digits import Reading
from service.inference.field_answers import FieldReason
from service.inference.fields import FieldReading, Pipeline


class FormReason(StrEnum):
    """Why to review a form."""

    PAGE_NOT_FOUND = PageReason.PAGE_NOT_FOUND
    PAGE_CUT_OFF = PageReason.PAGE_CUT_OFF
    SEVERAL_PAGES = PageReason.SEVERAL_PAGES
    FIELD_REVIEW = "field_review"
    WASHED_OUT = "washed_out"
    CHECK_FAILED = "check_failed"
    CHECK_UNKNOWN = "check_unknown"


class MarkReason(StrEnum):
    """Why to review a mark."""

    UNCLEAR = "unclear"


class MarkReading(NamedTuple):
    """Whether a box is marked, and the share of ink in it; None: a person should look."""

    marked: bool | None
    share: float

    @property
    def decision(self) -> Decision:
        """Accept it if it is clear."""
        return Decision.REVIEW if self.marked is None else Decision.ACCEPT

    @property
    def reasons(self) -> tuple[MarkReason, ...]:
        """Why to review it."""
        return (MarkReason.UNCLEAR,) if self.marked is None else ()


FieldResult = Reading | FieldReading | MarkReading


class FormReading(NamedTuple):
    """What is on a page."""

    form: Form
    page: StraightPage  # the page, found or not
    fields: Mapping[str, FieldResult]  # what was read, by name; empty if the page was not found
    # Whether each check of the form holds; None if a value is missing.
    checks: tuple[bool | None, ...]
    # Accept if every field and check is; a field that is not required may be empty.
    decision: Decision
    reasons: tuple[FormReason, ...]  # why to review it
    # The sum of the error rates of accepted fields, which bounds the rate of forms with a wrong one
    # among them; marks have none.
    error_bound: float


@dataclass(frozen=True, eq=False)
class FormPipeline:
    """Reads pages of one form, step by step or at once.

    pipeline = pipeline_from_catalogue(open_form(path), catalogue, settings)
    pipeline.read(pipeline.straighten(pipeline.decode(data)))
    """

    form: Form
    find: Finder  # finds its page
    # The pipeline and the error rate of each field, marks excepted.
    fields: Mapping[str, tuple[Pipeline, float]]
    max_pixels: int  # the largest picture to decode
    page: int = 1  # which page of a file to read, from 1

    def groups(self, page: StraightPage) -> list[tuple[Pipeline, dict[str, Picture]]]:
        """Return the crops of `page` by name, for each pipeline that reads some."""
        groups: defaultdict[int, dict[str, Picture]] = defaultdict(dict)
        for name, crop in page.crops.items():
            groups[id(self.fields[name][0])][name] = crop
        pipelines = {id(pipeline): pipeline for pipeline, _ in self.fields.values()}
        return [(pipelines[each], crops) for each, crops in groups.items()]

    def answer(self, page: StraightPage, read: Mapping[str, Any]) -> FormReading:
        """Judge a page of which `read` has the readings of digits and fields, by name."""
        if page.reason is not None:
            reason = FormReason(page.reason)
            return FormReading(self.form, page, {}, (), Decision.REVIEW, (reason,), 0.0)
        fields: dict[str, FieldResult] = {}
        for name, field in self.form.fields.items():
            if field.kind == "mark":
                ink = page.inks[name]
                # Bright light hides a mark, and cannot make one.
                unseen = name in page.washed_out and not ink.is_mark
                fields[name] = MarkReading(None if unseen else ink.is_mark, ink.share)
            elif field.required or name in page.washed_out:
                fields[name] = read[name]
            else:
                fields[name] = _may_be_empty(read[name])
        checks = tuple(_holds(each, self.form, fields) for each in self.form.checks)
        accepted = {name for name, each in fields.items() if decision_of(each) is Decision.ACCEPT}
        washed_out = page.washed_out & self.fields.keys()
        reasons = (
            *((FormReason.WASHED_OUT,) if washed_out else ()),
            *((FormReason.FIELD_REVIEW,) if len(accepted) < len(fields) else ()),
            *((FormReason.CHECK_FAILED,) if False in checks else ()),
            *((FormReason.CHECK_UNKNOWN,) if None in checks else ()),
        )
        return FormReading(
            self.form,
            page,
            fields,
            checks,
            Decision.REVIEW if reasons else Decision.ACCEPT,
            reasons,
            sum(
                rate
                for name, (_, rate) in self.fields.items()
                if name in accepted and text_of(fields[name]) is not None
            ),
        )

    def decode(self, data: bytes, page: int | None = None) -> Picture:
        """Decode a page of a file, by default that of the pipeline.

        Raises:
            UnreadableImage: the file cannot be read.
        """
        return decode(data, max_pixels=self.max_pixels, whole=True, page=page or self.page)

    def straighten(self, picture: Picture) -> StraightPage:
        """Find the page in a picture, and cut out the boxes."""
        return straighten(picture, self.form, self.find)

    def read(self, page: StraightPage) -> FormReading:
        """Read and judge a page."""
        read: dict[str, Any] = {}
        for pipeline, crops in self.groups(page):
            read |= zip(crops, pipeline.read(list(crops.values())), strict=True)
        return self.answer(page, read)


def decision_of(result: FieldResult) -> Decision:
    """Return the decision about a field."""
    return result.decision if isinstance(result, MarkReading) else result.answer.decision


def reasons_of(result: FieldResult) -> tuple[str, ...]:
    """Return why a field needs review."""
    return result.reasons if isinstance(result, MarkReading) else result.answer.reasons


def text_of(result: FieldResult) -> str | None:
    """Return what was read as text: a value in the requested format, the digits, true or false."""
    if isinstance(result, MarkReading):
        return None if result.marked is None else str(result.marked).lower()
    if isinstance(result, FieldReading) and result.answer.format is not None:
        return None if result.answer.value is None else str(result.answer.value)
    return result.answer.text


def _may_be_empty(result: Any) -> Any:  # noqa: ANN401 - a reading of a digit or a field
    # That it is empty is an answer, and no reason to look.
    if not is_blank(result):
        return result
    return result._replace(answer=result.answer._replace(decision=Decision.ACCEPT))


def is_blank(result: FieldResult) -> bool:
    """Return whether nothing is written in a field."""
    if isinstance(result, MarkReading):
        return False
    return result.answer.reasons in ((Reason.BLANK,), (FieldReason.BLANK,))


def _holds(check: Check, form: Form, fields: Mapping[str, FieldResult]) -> bool | None:
    texts = {name: text_of(fields[name]) for name in check.names}
    if check.equal:
        values = set(texts.values())
        return None if None in values else len(values) == 1
    # An empty line of a sum adds nothing.
    for name in check.sum or ():
        if not form.fields[name].required and is_blank(fields[name]):
            texts[name] = "0"
    if None in texts.values():
        return None
    numbers = {name: Decimal(text or "0") for name, text in texts.items()}
    return sum(numbers[name] for name in check.sum or ()) == numbers[check.equals or ""]
