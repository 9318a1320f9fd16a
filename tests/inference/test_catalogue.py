"""The published models as far as they can be loaded."""

import pytest

from models.manifest import PACKAGE_DIRECTORY, load_manifest
from service.errors import ModelUnavailable, UnknownModel
from service.inference.catalogue import NothingToServe, load_catalogue

MANIFEST = load_manifest(PACKAGE_DIRECTORY)
BROKEN, SOUND, *_ = MANIFEST.models


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
