"""Models that are loaded or not, and the pipelines that they offer."""

import pytest

from models.manifest import PACKAGE_DIRECTORY, load_manifest
from service.errors import ModelUnavailable, UnknownModel, UnsupportedMaxError
from service.inference.catalogue import Catalogue, NothingToServe, load_catalogue
from service.inference.decisions import threshold_for
from service.inference.digits import DigitOptions
from tests.service.fakes import CARD, RecordingSession, classifier_of

MANIFEST = load_manifest(PACKAGE_DIRECTORY)
BROKEN, SOUND, *_ = MANIFEST.models

OFFERED, UNSUPPORTED = 0.01, 0.001
POINT = CARD.operating_points[0]
MODEL = CARD.model_copy(
    update={
        "operating_points": (
            POINT.model_copy(update={"max_error": OFFERED, "threshold": 0.9}),
            POINT.model_copy(update={"max_error": UNSUPPORTED, "threshold": None}),
        )
    }
)


def test_all_published_models_are_loaded():
    catalogue = load_catalogue(PACKAGE_DIRECTORY)

    assert list(catalogue.classifiers) == [card.name for card in MANIFEST.models]
    assert list(catalogue.readers) == [card.name for card in MANIFEST.readers]
    assert catalogue.failures == {}


def test_the_manifest_names_the_default_model():
    assert load_catalogue(PACKAGE_DIRECTORY).classifier().card.name == MANIFEST.default


def test_another_default_model_can_be_named():
    other = next(card for card in MANIFEST.models if card.name != MANIFEST.default)

    assert load_catalogue(PACKAGE_DIRECTORY, other.name).classifier().card == other


def test_a_default_model_that_is_not_published_is_refused():
    with pytest.raises(NothingToServe, match="'vgg'"):
        load_catalogue(PACKAGE_DIRECTORY, "vgg")


def test_a_name_that_is_not_published_is_unknown():
    with pytest.raises(UnknownModel, match=f"'vgg'.*{SOUND.name}"):
        load_catalogue(PACKAGE_DIRECTORY).classifier("vgg")


def test_a_missing_file_fails_alone(models_copy):
    (models_copy / BROKEN.file).unlink()

    catalogue = load_catalogue(models_copy)

    assert BROKEN.file in catalogue.failures[BROKEN.name]
    assert catalogue.card(BROKEN.name) == BROKEN
    assert catalogue.classifier(SOUND.name).card == SOUND
    with pytest.raises(ModelUnavailable, match=BROKEN.file):
        catalogue.classifier(BROKEN.name)


def test_a_default_model_that_failed_is_not_replaced_by_another(models_copy):
    (models_copy / BROKEN.file).unlink()

    with pytest.raises(ModelUnavailable, match=SOUND.name):
        load_catalogue(models_copy, BROKEN.name).classifier()


def test_nothing_is_served_when_every_file_is_damaged(models_copy):
    for file in models_copy.glob("*.onnx"):
        file.write_bytes(b"damaged")

    with pytest.raises(NothingToServe) as refused:
        load_catalogue(models_copy)

    assert all(card.file in str(refused.value) for card in MANIFEST.models)


@pytest.mark.parametrize("content", [None, b"{", b"{}"])
def test_nothing_is_served_without_a_sound_manifest(models_copy, content):
    manifest = models_copy / "manifest.json"
    manifest.unlink()
    if content is not None:
        manifest.write_bytes(content)

    with pytest.raises(NothingToServe, match=r"manifest\.json"):
        load_catalogue(models_copy)


def test_the_threshold_is_that_of_the_operating_point():
    assert threshold_for(MODEL, OFFERED) == 0.9


@pytest.mark.parametrize("max_error", [UNSUPPORTED, UNSUPPORTED / 10])
def test_an_unsupported_error_rate_is_an_error_that_lists_the_others(max_error):
    with pytest.raises(UnsupportedMaxError, match=rf"{MODEL.name}.*{max_error:g}.*0\.01"):
        threshold_for(MODEL, max_error)


@pytest.mark.parametrize("max_error", [UNSUPPORTED, UNSUPPORTED / 10])
def test_an_unsupported_default_accepts_nothing(max_error):
    with pytest.raises(UnsupportedMaxError):
        _pipeline(DigitOptions(max_error=max_error), default=OFFERED)

    assert _pipeline(DigitOptions(), default=max_error).criteria.threshold is None


def _pipeline(options, *, default):
    classifier = classifier_of(RecordingSession(), MODEL)
    catalogue = Catalogue(MODEL.name, {MODEL.name: MODEL}, {MODEL.name: classifier}, {})
    return catalogue.digits(options, max_error=default, max_pixels=10**6)
