"""How pages of a form are read: a row for each page, with three columns for each field."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from models.manifest import ModelCard
from models.reader_card import ReaderCard
from service.forms.reading import FormPipeline, FormReading, decision_of, reasons_of, text_of
from service.forms.registry import LoadedForm
from service.imaging import UnreadableImage, count_pages
from service.inference.decisions import Decision
from service.scoring.pieces import PageOfFile, Unread
from service.scoring.reading import ERROR, Column, Method

_PLACE = (
    Column("source", "string", "the file or archive, as it was named or found"),
    Column("member", "string", "the page of a PDF or TIFF, from 1, or the name in the archive"),
    Column("form", "string", "the form"),
    Column("version", "string", "the form's version"),
    Column("residual_px", "float32", "how far the page's markers are from where they should be"),
    Column("decision", "string", "`accept`, or `review` when a person should look"),
    Column("reasons", "list<string>", "why it needs review; empty when accepted"),
    Column("error_bound", "float32", "the sum of the error rates of the accepted fields"),
)


@dataclass(frozen=True)
class FormMethod:
    """How pages of a form are read: a pipeline that can be sent to another process or machine."""

    directory: Path  # the folder of the models
    loaded: LoadedForm  # the form, and what finds its page
    # How each field is read, and its error rate; equal ones are the same object.
    methods: Mapping[str, tuple[Method, float]]
    max_pixels: int  # the largest page to decode

    task_size: ClassVar[int] = 4
    all_pages: ClassVar[bool] = True

    @staticmethod
    def of(pipeline: FormPipeline, directory: Path) -> "FormMethod":
        """Read as `pipeline` does, whose models are in `directory`."""
        methods = {id(each): Method.of(each, directory) for each, _ in pipeline.fields.values()}
        fields = {name: (methods[id(each)], rate) for name, (each, rate) in pipeline.fields.items()}
        loaded = LoadedForm(pipeline.form, pipeline.find)
        return FormMethod(directory, loaded, fields, pipeline.max_pixels)

    @property
    def columns(self) -> tuple[Column, ...]:
        """Those of the form, of its fields, and of errors."""
        fields = []
        for name, field in self.loaded.form.fields.items():
            fields += [
                Column(name, "string", f"the {field.kind}, if it is accepted"),
                Column(f"{name}.guess", "string", "what may be written, if it needs review"),
                Column(f"{name}.reasons", "list<string>", "why it needs review, or is empty"),
            ]
        return (*_PLACE, *fields, *ERROR)

    @property
    def cards(self) -> tuple[ModelCard | ReaderCard, ...]:
        """The cards of the models."""
        return tuple(
            {method.card.name: method.card for method, _ in self.methods.values()}.values()
        )

    @property
    def identity(self) -> dict[str, str]:
        """What rows have of the form."""
        return {"form": self.loaded.form.name, "version": self.loaded.form.version}

    def open(self) -> "_Pages":
        """Load the models.

        Raises:
            ModelFileError, UnusableModel: one cannot be used any more.
        """
        methods = {id(method): method for method, _ in self.methods.values()}
        models = {method.card.name: method for method in methods.values()}
        loaded = {name: method.load() for name, method in models.items()}
        opened = {key: each.open(loaded[each.card.name]) for key, each in methods.items()}
        fields = {name: (opened[id(each)], rate) for name, (each, rate) in self.methods.items()}
        return _Pages(FormPipeline(*self.loaded, fields, self.max_pixels))

    def row(self, reading: FormReading) -> dict[str, Any]:
        """Return the row of a page, without its place."""
        found = reading.page.found
        row: dict[str, Any] = {
            **self.identity,
            "residual_px": None if found is None else found.residual_px,
            "decision": reading.decision,
            "reasons": reading.reasons,
            "error_bound": reading.error_bound,
        }
        for name in self.loaded.form.fields:
            row |= dict.fromkeys((name, f"{name}.guess", f"{name}.reasons"))
        for name, result in reading.fields.items():
            is_accepted = decision_of(result) is Decision.ACCEPT
            row[name if is_accepted else f"{name}.guess"] = text_of(result)
            row[f"{name}.reasons"] = reasons_of(result)
        return row


class _Pages:
    """The steps of a `FormPipeline`, as `Scorer` takes them."""

    def __init__(self, pipeline: FormPipeline) -> None:
        self._pipeline = pipeline

    def decode(self, content: Any) -> Any:  # noqa: ANN401 - a picture, or why there is none
        data, page = content if isinstance(content, PageOfFile) else (content, None)
        if not isinstance(data, bytes):
            return data
        try:
            # HEIC files have one.
            if page is None and data[4:8] != b"ftyp" and (pages := count_pages(data)) > 1:
                return Unread("several-pages", f"it has {pages} pages; unpack it to a folder")
            return self._pipeline.decode(data, page)
        except UnreadableImage as error:
            return error

    def normalise(self, picture: Any) -> Any:  # noqa: ANN401
        return self._pipeline.straighten(picture) if isinstance(picture, np.ndarray) else picture

    def read(self, pages: list[Any]) -> list[FormReading]:
        return [self._pipeline.read(page) for page in pages]
