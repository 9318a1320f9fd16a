"""The forms of one process: loaded with the models, and replaced while they are in use."""

import logging
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import NamedTuple

from service.errors import NumeralError, UnknownForm, UnusableForm
from service.forms.files import Form, FormError, form_files, load_form
from service.forms.finding import FINDERS, Finder
from service.forms.reading import FormPipeline
from service.forms.reference import finder_from, reference_finder
from service.inference.catalogue import Catalogue
from service.inference.digits import DigitOptions, DigitPipeline
from service.inference.fields import FieldOptions, FieldPipeline, Options, Pipeline
from service.inference.registry import Registry
from service.settings import Settings

_log = logging.getLogger(__name__)


class LoadedForm(NamedTuple):
    """A form, and what finds its page; can be sent to another process."""

    form: Form
    find: Finder


class Forms:
    """The forms of the settings' directory: the usable ones, and why the others are not.

    forms = Forms(settings)
    forms.load(catalogue)
    pipeline = forms.pipeline_of(forms.get("cheque"), registry)
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.usable: Mapping[str, LoadedForm] = {}
        self.failures: Mapping[str, str] = {}  # by the name of the file

    def load(self, catalogue: Catalogue) -> None:
        """Load the forms again, for the models of `catalogue`; takes time, and never fails."""
        usable: dict[str, LoadedForm] = {}
        failures: dict[str, str] = {}
        for path in form_files(self._settings.forms):
            try:
                loaded = open_form(path)
                if (name := loaded.form.name) in usable:
                    raise FormError(f"{path.name}: another file has the name {name}")
                pipeline_from_catalogue(loaded, catalogue, self._settings)
                usable[name] = loaded
            except FormError as error:
                failures[path.stem] = str(error)
                _log.error("a form is not used: %s", error)
        self.usable, self.failures = usable, failures

    def get(self, name: str) -> LoadedForm:
        """Return the form `name`.

        Raises:
            UnknownForm: there is no such form.
            UnusableForm: its file is wrong.
        """
        if name in self.usable:
            return self.usable[name]
        if name in self.failures:
            raise UnusableForm(self.failures[name])
        known = ", ".join(self.usable) or "none: set NUMERAL_FORMS to their directory"
        raise UnknownForm(f"there is no form {name[:100]!r}; the forms are {known}")

    def pipeline_of(self, loaded: LoadedForm, registry: Registry, page: int = 1) -> FormPipeline:
        """Return the pipeline of any form; raises what `Registry.fields` does."""
        return _pipeline(loaded, self._settings, registry.digits, registry.fields, page)


def open_form(path: Path) -> LoadedForm:
    """Load the form file at `path`, and the picture of the blank page that it names.

    Raises:
        FormError: one cannot be used.
    """
    form = load_form(path)
    if form.reference is not None:
        return LoadedForm(form, reference_finder(path.parent / form.reference, form))
    return LoadedForm(form, FINDERS[form.found_by])


def sent_form(form: Form, reference: bytes | None, *, max_pixels: int) -> LoadedForm:
    """Return `form`, and what finds its page, by the picture `reference` if it needs one.

    Raises:
        FormError: the picture cannot be used, is missing, or is there without need.
    """
    if (reference is None) == (form.found_by == "reference"):
        what = "send the picture of the blank page" if reference is None else "send it only"
        raise FormError(f"reference: {what} for found_by: reference")
    if reference is None:
        return LoadedForm(form, FINDERS[form.found_by])
    return LoadedForm(form, finder_from(reference, form, max_pixels=max_pixels))


def pipeline_from_catalogue(
    loaded: LoadedForm, catalogue: Catalogue, settings: Settings
) -> FormPipeline:
    """Return the pipeline of a form, with the models of `catalogue`.

    Raises:
        FormError: a field asks for an error rate that no model was shown to keep, or its model is
            not loaded.
    """
    most = settings.max_pixels
    digits = partial(catalogue.digits, max_error=settings.max_error, max_pixels=most)
    fields = partial(catalogue.fields, max_error=settings.field_max_error, max_pixels=most)
    try:
        return _pipeline(loaded, settings, digits, fields)
    except NumeralError as error:
        raise FormError(
            f"{loaded.form.name}: {error}; max_error of the form and of its fields set the rates"
        ) from error


def _pipeline(
    loaded: LoadedForm,
    settings: Settings,
    digits: Callable[[DigitOptions], DigitPipeline],
    fields: Callable[[FieldOptions], FieldPipeline],
    page: int = 1,
) -> FormPipeline:
    def opened(options: Options) -> tuple[Pipeline, float]:
        pipeline: Pipeline
        if isinstance(options, DigitOptions):
            pipeline, default = digits(options), settings.max_error
        else:
            pipeline, default = fields(options), settings.field_max_error
        return pipeline, default if options.max_error is None else options.max_error

    every = {name: loaded.form.options(name) for name in loaded.form.fields}
    wanted = {name: options for name, options in every.items() if options is not None}
    # Equal options share a pipeline, and with it micro-batches and runs of the model.
    pipelines = {options: opened(options) for options in set(wanted.values())}
    read_by = {name: pipelines[options] for name, options in wanted.items()}
    return FormPipeline(*loaded, read_by, settings.max_pixels, page)
