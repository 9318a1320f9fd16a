"""The models that `numeral bench` measures, and the pictures that it measures them on."""

from collections.abc import Iterator, Sequence

from service.inference.catalogue import Catalogue
from service.inference.digits import DigitOptions
from service.inference.fields import FieldOptions
from service.settings import Settings
from service.sizing.measure import Contender
from service.sizing.pictures import draw_digits, draw_fields

_DIGITS = 256
_FIELDS = 64
_FIELD_HEIGHT = 48


def contenders(
    settings: Settings, catalogue: Catalogue, names: Sequence[str], side: int
) -> Iterator[Contender]:
    """The models called `names`, or all that are loaded, on digits of `side` pixels.

    Raises:
        UnknownModel, ModelUnavailable: there is none of that name, or it could not be loaded.
    """
    digits = draw_digits(_DIGITS, side)
    fields = draw_fields(_FIELDS, _FIELD_HEIGHT)
    for name in names or (*catalogue.classifiers, *catalogue.readers):
        if name in catalogue.reader_cards:
            reads = catalogue.fields(
                FieldOptions(name),
                max_error=settings.field_max_error,
                max_pixels=settings.max_pixels,
            )
            what = f"fields of 8 digits, {_FIELD_HEIGHT} pixels high"
            yield Contender(name, reads.reader.card.version, reads, what, fields)
        else:
            pipeline = catalogue.digits(
                DigitOptions(name),
                max_error=settings.max_error,
                max_pixels=settings.max_pixels,
            )
            what = f"digits, {side} x {side} pixels"
            yield Contender(name, pipeline.classifier.card.version, pipeline, what, digits)
