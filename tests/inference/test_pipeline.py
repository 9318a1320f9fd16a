"""Which threshold a wish for an error rate comes to."""

import pytest

from service.errors import UnsupportedMaxError
from service.inference.catalogue import Catalogue
from service.inference.decisions import threshold_for
from service.inference.digits import DigitOptions
from tests.service.fakes import CARD, RecordingSession, classifier_of

KEPT, NOT_SHOWN = 0.01, 0.001
POINT = CARD.operating_points[0]
MODEL = CARD.model_copy(
    update={
        "operating_points": (
            POINT.model_copy(update={"max_error": KEPT, "threshold": 0.9}),
            POINT.model_copy(update={"max_error": NOT_SHOWN, "threshold": None}),
        )
    }
)


def test_the_threshold_is_that_of_the_operating_point():
    assert threshold_for(MODEL, KEPT) == 0.9


@pytest.mark.parametrize("max_error", [NOT_SHOWN, NOT_SHOWN / 10])
def test_an_error_rate_that_the_model_cannot_keep_is_refused_with_those_it_can(max_error):
    with pytest.raises(UnsupportedMaxError, match=rf"{MODEL.name}.*{max_error:g}.*0\.01"):
        threshold_for(MODEL, max_error)


@pytest.mark.parametrize("max_error", [NOT_SHOWN, NOT_SHOWN / 10])
def test_it_is_an_error_only_if_the_caller_asked_for_it(max_error):
    with pytest.raises(UnsupportedMaxError):
        _pipeline(DigitOptions(max_error=max_error), default=KEPT)

    assert _pipeline(DigitOptions(), default=max_error).criteria.threshold is None


def _pipeline(wish, *, default):
    classifier = classifier_of(RecordingSession(), MODEL)
    catalogue = Catalogue(MODEL.name, {MODEL.name: MODEL}, {MODEL.name: classifier}, {})
    return catalogue.digits(wish, max_error=default, max_pixels=10**6)
